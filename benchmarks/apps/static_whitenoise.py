"""A middleware that serves files, around an application that is not asked for them."""

import os
from pathlib import Path

from whitenoise import WhiteNoise
from wsgi import hello

app = WhiteNoise(hello, root=str(Path(os.environ["BENCH_FILE"]).parent / "static"), prefix="static/")
