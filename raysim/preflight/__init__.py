"""Checks before anything is created: is the platform there, does the plan fit the cluster. Reads; changes nothing."""
