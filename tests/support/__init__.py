"""What the tests share: waiting for conditions, raw bytes on sockets, real server processes."""
