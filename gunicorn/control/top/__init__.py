"""`gunicornc top`: one screen that tells how a server is, again and again.

What is on it is made by functions that see values alone (`reading`, `table`, `screen`, `keys`); a terminal and a server
are known to `terminal`, `link` and `program`.
"""
