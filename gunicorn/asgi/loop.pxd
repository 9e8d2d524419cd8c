# Nothing here has a type of C.
