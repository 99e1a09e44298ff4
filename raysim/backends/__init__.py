"""Reads backends' metrics pages while a run goes on. I/O on the event loop; what pages mean is in core.backends."""
