"""How messages are written, without a socket: HTTP/1, WebSocket, the PROXY protocol. Octets in, messages out."""
