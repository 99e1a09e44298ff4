"""What a simulated user does next: how long it thinks, what it asks, what it remembers. Pure but for its own tables."""
