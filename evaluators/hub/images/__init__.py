"""Images of a Hub data set: which rows to read, how to read them, and the cache of prepared subsets."""
