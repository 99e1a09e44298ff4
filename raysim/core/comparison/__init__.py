"""Two runs side by side: what changed, by how much, how sure that is, and whether a rule is broken by it. No I/O."""
