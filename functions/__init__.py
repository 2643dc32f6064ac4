"""The control plane: events in, decisions, effects out."""
