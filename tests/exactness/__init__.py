"""Whether a video made in chunks is the video made in one go: over all kinds of sources.

`python -m tests.exactness` prints the whole table; `tests/pipeline/test_exactness.py` holds it.
"""
