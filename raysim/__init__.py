"""raysim: load-test a multi-tenant LLM inference platform the way its users use it, on Ray."""

__version__ = "0.1.0"
