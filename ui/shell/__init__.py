"""What every page shares: theme, text, HTML snippets, figure style and error messages."""
