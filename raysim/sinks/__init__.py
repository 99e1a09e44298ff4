"""Where records and metrics go: Parquet on disk. Does I/O; never on the load's own event loop."""
