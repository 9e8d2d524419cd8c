"""The gateway of PEP 3333: a request becomes an environ, what the application returns becomes a response."""
