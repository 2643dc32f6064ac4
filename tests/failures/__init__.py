"""Real failures, brought about on the spot or told by services, and labelled by their causes.

`python -m tests.failures` prints the confusion matrix and what was called wrong; `docs/failures.md`
keeps it. A label says what really happened, decided before the code was asked.

    made.py     programs that fail: ffmpeg, the prober, the disk, the store, the clock
    told.py     ends of executions, launches and tasks, in the words of the services: handed in
    spent.py    renders that the state machine ends, since they may cost no more
"""
