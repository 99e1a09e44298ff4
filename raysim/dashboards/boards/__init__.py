"""The dashboards, one a module. Each answers one question that somebody has while a load test runs."""
