"""One attempt at work: claim, fetch, render, verify, commit, report."""
