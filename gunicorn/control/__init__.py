"""One looks into a running server, and tells it what to do: conversations in the loop of its master."""
