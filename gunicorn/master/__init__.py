"""The process that starts, watches and replaces workers: it decides (a pure function) and acts (fork, kill, reap)."""
