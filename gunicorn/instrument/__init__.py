"""What the server tells about itself to systems that watch it."""
