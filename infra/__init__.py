"""Where Clipline runs: the cloud on Google, the same cloud on a laptop, and what they stand on."""
