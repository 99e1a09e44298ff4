"""Decisions and data, without side effects: no Ray, no I/O, no clock, no environment."""
