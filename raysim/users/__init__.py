"""Simulated users: what one does (`user`), many on one event loop (`pack`), and how truthful that loop is (`lag`).

Does I/O through `wire` and through the ports in `ports`; knows nothing of Ray.
"""
