"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# how long an example takes says something of the machine, and nothing of the code
settings.register_profile("raysim", deadline=None)
settings.load_profile("raysim")
