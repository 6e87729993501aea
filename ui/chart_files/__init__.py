"""Every chart as a file: PNG, SVG, or its numbers as CSV."""
