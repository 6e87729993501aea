"""The tab "Merge": what its controls mean, what it answers to each move, and its search on validation."""
