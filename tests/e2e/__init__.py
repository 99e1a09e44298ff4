"""Runs at full length, each on a cluster of its own: `make e2e`, by hand or at night."""
