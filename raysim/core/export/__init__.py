"""What of a run goes to a store, under which names, and how one tells what has got there. Pure."""
