"""The application's code: found, told apart, watched, traced."""
