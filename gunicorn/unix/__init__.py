"""What the operating system offers: processes, sockets, PID file, systemd, limits. Knows nothing of the server."""
