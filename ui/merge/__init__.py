"""The page Merge (section 5.2): one model out of several."""
