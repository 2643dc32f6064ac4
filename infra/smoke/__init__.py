"""One video through a whole deployment, broken once on purpose: `make smoke`."""
