"""Reads the metrics pages of backends while a run goes on. I/O on the event loop; core.backends says what pages mean."""
