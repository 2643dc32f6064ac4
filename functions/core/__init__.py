"""Decisions, and nothing else: no clock, no random, no environment, no logging, no I/O."""
