"""What every page shares: layout, theme, text, share link and HTML snippets."""
