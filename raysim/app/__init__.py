"""The order of a run, as its driver keeps it: who is placed when, what is watched, what the report is told. No Ray."""
