"""What a person types who has a fresh Debian and the documentation: each walk from nothing to what serves.

A Debian is a folder that debootstrap has made, with layers of its own for each walk, in namespaces of its own: nothing
of it is left behind, and no port or process is that of the machine.
"""
