"""What a run amounts to, for people and programs: summary, console tables, live view, the names in a run's directory.

Does I/O in `run_dir` (files) and through the console that is passed in; everything else computes.
"""
