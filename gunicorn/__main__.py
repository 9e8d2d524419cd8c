"""``python -m gunicorn``."""

import os
import sys

# Python has put the current folder first, as `-m` does. It becomes that again before the configuration is read, but
# what the server itself imports must not be found there.
if sys.path and sys.path[0] == os.getcwd():
    del sys.path[0]

from gunicorn.app.wsgiapp import run

if __name__ == "__main__":
    run(prog="gunicorn")
