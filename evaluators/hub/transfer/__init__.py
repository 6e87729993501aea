"""Listings, files and byte ranges from the Hub and other addresses, with time-outs and checks."""
