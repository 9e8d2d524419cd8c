"""The gateway of ASGI 3: a request becomes a scope, and messages go to and fro."""
