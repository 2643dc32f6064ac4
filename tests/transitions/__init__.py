"""The parts of `make bench-transitions`: what is measured, and how."""
