"""The load path: one HTTP/1.1 request out, a stamped answer back. Does network I/O; knows nothing of users or Ray.

Bytes are stamped the moment the event loop hands them over, before anything parses them.
"""
