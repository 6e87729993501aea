"""The one door to the Hub: listings, files and ranges of files, with time-outs, checks and clear errors."""
