"""The policy flight simulator: the real routing flown over capacity traces, beside its rivals."""
