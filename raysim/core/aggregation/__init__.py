"""From rows to figures: a mergeable histogram, live totals, exact statistics, the generator's verdict. Pure, no I/O."""
