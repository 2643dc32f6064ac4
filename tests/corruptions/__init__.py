"""Pieces, sounds and outputs spoilt on purpose, and what the verification says of each.

`python -m tests.corruptions` prints the table. A bench holds one true render: three pieces, their
sound and the output that was joined from them. Each corruption is one deed on a copy of one of
these, judged by the look that a task takes at it: a piece and a sound when they are made, an output
and the parts it was joined from before it gets its name.

What no look can tell is in PLAUSIBLE: whole files with other pictures or sound than were wanted.
They pass when they are made. Once committed they are told apart, by digest and name.
"""
