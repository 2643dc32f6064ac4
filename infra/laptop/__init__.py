"""The same cloud on one machine: real functions, real messages, real renders, no account."""
