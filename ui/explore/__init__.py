"""The page Explore: one checkpoint, its layer schedule and its accuracies."""
