"""Frozen values: what is asked (``EditSpec``), what comes back (``Evaluation``), and statistics on them."""
