"""Finishing what runs left behind, from their ledgers, long after they ended. Needs no Ray.

Names concrete adapters, as `wiring` does.
"""
