"""Subsets of a Hub data set's images: choice of rows, reading, decoding, and a cache of prepared images."""
