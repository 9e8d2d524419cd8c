"""Configuration of a server whose instructions are counted: what it does by the clock is no part of a request."""

from gunicorn.workers import engine_worker

# Under callgrind a busy worker would show that it lives once in a few requests, and more often on a busy machine.
engine_worker.PULSE_ROOM = 5.0
