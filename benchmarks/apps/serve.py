"""Starts the peers that have no command of their own: serve.py PEER MODULE:NAME PORT THREADS"""

import importlib
import sys


def bjoern(app, port, threads):
    import bjoern

    bjoern.run(app, "127.0.0.1", port)


def fastwsgi(app, port, threads):
    import fastwsgi

    fastwsgi.server.backlog = 2048
    fastwsgi.run(wsgi_app=app, host="127.0.0.1", port=port, loglevel=0)


def cheroot(app, port, threads):
    from cheroot import wsgi

    server = wsgi.Server(("127.0.0.1", port), app, numthreads=threads, request_queue_size=2048)
    server.start()


if __name__ == "__main__":
    peer, target, port, threads = sys.argv[1:5]
    sys.path.insert(0, ".")
    module, _, name = target.partition(":")
    globals()[peer](getattr(importlib.import_module(module), name), int(port), int(threads))
