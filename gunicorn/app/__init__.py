"""From a command line to a loaded application and a running master."""
