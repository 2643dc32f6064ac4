"""Real failures, each brought about on the spot and labelled by its cause, and their classes.

`python -m tests.failures` prints the confusion matrix and what was called wrong; `docs/failures.md`
keeps it. A label says what really happened, decided before the code was asked.

    made.py     programs that fail: ffmpeg, the prober, the disk, the store, the clock
    told.py     ends of executions, launches and tasks, in the words of the services
"""
