"""Rewarded soups of a tiny language model: invented scenes, two rewards, weights edited in place."""
