"""Decisions while a run goes on: who is active, when to stop. State machines: events and a time in, commands out."""
