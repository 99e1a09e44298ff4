"""Checks before anything is created: is the platform there, are we let in, does the plan fit, what may it cost.

Reads; changes nothing. I/O is in `page` (calls), `platform` (their order) and `machine` (this machine's figures);
everything else turns facts into checks. Light: the coordinator imports it, and so does whoever holds its handle.
"""
