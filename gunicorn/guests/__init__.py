"""Servers that others bring, on our sockets and with our signals: gevent.pywsgi, Tornado."""
