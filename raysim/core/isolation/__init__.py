"""What tenants do to each other: events, windows around them, comparisons, fairness, the verdict. Pure, no I/O."""
