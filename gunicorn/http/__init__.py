"""Sans-IO protocols: bytes in, messages out. Nothing here opens a socket, reads a clock or knows a gateway."""
