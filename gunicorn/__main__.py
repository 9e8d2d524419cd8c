"""`python -m gunicorn`."""

import os
import sys

# Python has put the current folder first, as `-m` does. It becomes that again before the configuration is read, but
# what the server itself imports must not be found there. (Not so in a child of `multiprocessing`, which runs this file,
# too, with the path of its parent.)
if __name__ == "__main__" and sys.path and sys.path[0] == os.getcwd():
    del sys.path[0]

from gunicorn.app.wsgiapp import run

if __name__ == "__main__":
    run(prog="gunicorn")
