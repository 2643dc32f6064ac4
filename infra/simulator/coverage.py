"""What must have struck in which state, for a run to have tried everything; and what cannot.

`accepted` and `planned` are never stored: they are left in the step that enters them
(`functions/core/machine.py`), so no fault finds a render in them.
"""
