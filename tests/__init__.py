"""Rings of tests, from pure to whole; `tests.sources` makes the videos they use."""
