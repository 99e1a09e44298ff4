"""The metrics that a run exports while it goes on: what they are called and mean, and their values. No I/O."""
