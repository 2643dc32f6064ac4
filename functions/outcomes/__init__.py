"""What the end of an execution amounts to, place by place: pure, and of our own words only."""
