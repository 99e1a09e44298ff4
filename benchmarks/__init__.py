"""What the load path costs and how truly it measures, held against references taken in the same run.

`python -m benchmarks` prints the table; `python -m benchmarks.soak` plays an hour of records in fast-forward;
`python -m benchmarks.hot_spots` says where the CPU goes. Starts processes and does network I/O on loopback.
"""
