"""`report.html`: a run as one page that needs nothing but a browser. Reads the charting library's file; no other I/O.

`page` puts it together from what a run left (`pieces`): tables, whose every figure is taken from the summary by its
path (`shown`), and charts (`chart`), whose points come from the rows in windows of time (`windows`). All text goes
through `markup`, which escapes it.
"""
