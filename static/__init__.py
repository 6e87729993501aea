"""The edition without a server: the page over an engine that runs in the visitor's browser."""
