"""One row a request: its fields, its outcome, and the columnar batches in which rows travel. Pure, no I/O."""
