"""The third place to run: the real code over memory and a virtual clock, in one thread."""
