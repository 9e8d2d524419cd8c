"""What values settings accept.

A validator takes a value as a file, a flag or a program gave it and returns it as the server uses it. It
raises ValueError or TypeError (ConfigError where a user, a group or a folder does not exist) whose text says
what would be right; who called it knows the name of the setting and where the value came from.
"""
