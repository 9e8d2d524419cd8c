"""Bytes in, bytes out: the poller, listeners, connections, buffers and deadlines of one process. Knows no gateway."""
