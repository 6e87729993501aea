"""Pictures of a data set on the Hub: which rows to read, how to read them, and where they are kept."""
