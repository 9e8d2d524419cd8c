"""What turns the octets of a connection into exchanges: one module a protocol, and TLS around any of them."""
