"""What backends say of themselves: metric pages as readings, and what readings and requests together tell. No I/O."""
