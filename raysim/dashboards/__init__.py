"""Grafana dashboards, alerts and recording rules, made from code and held against what is exported.

Everything here is pure but `prometheus`, which asks a live one, and `files`, which writes.
"""
