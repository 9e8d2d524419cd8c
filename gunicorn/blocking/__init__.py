"""HTTP over blocking sockets, for workers of third parties: a socket goes in, a `Request` comes out.

    for request in RequestParser(cfg, client, address):
        response, environ = create(request, client, address, listener.getsockname(), cfg)
        ...

The worker types of this package serve by `gunicorn.engine` and know nothing of this room. It is small because it
decides nothing: what a message means says the one parser (`gunicorn.http`), how an answer is framed the one table of
responses, what an environ holds `gunicorn.wsgi.environ`. The names that the world imports are handed on by
`gunicorn.http`, its `message`, `parser`, `body`, `unreader` and `wsgi`, and by `gunicorn.workers.base_async`.
"""
