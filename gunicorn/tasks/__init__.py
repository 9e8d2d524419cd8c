"""Tasks: work that takes long is done in processes of its own, which keep their state from call to call."""
