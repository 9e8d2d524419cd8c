"""TLS over memory: what the kernel gives is unsealed, what goes out is sealed; certificates, and who speaks it."""
