"""The outside world: the only files that import google.*, sqlite3 or subprocess."""
