"""What gateways have in common: the response, refusals, admission, access lines, hooks."""
