"""Writes what the engine in the browser reads: graphs, weights, images, and a manifest of them."""
