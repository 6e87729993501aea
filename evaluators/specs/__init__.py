"""Frozen values: an edit (``EditSpec``), its result (``Evaluation``), and statistics of results."""
