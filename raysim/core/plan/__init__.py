"""What a run is going to do, worked out before anything is touched. Pure: the same seed gives the same plan."""
