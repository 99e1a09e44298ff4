"""What a run is to reach: thresholds on its figures, and the times within which a request is a good one. Pure."""
