"""What has arrived at `losing_answers.py`, by message id; a test clears it first."""

from collections import Counter

ARRIVALS: Counter[str] = Counter()
