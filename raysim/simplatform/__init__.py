"""The simulated platform: organisations, users and keys, a router, and model servers that take their time.

A product of its own, documented in `docs/simulated-platform.md`; what belongs here is the platform's side only, nothing
of the load test. It listens on one port, keeps everything in memory and reads no file but its configuration. Pure:
`engine`, `measured_engine`, `accounts`, `admission`, `faults`, `ledger`, `openai_request`, `text`, `rendering`. I/O on
the event loop: `connection`, `http`, `backend`, `inference`, `server`; on disk: `config_file`.
"""
