"""Sweeps as files and tables of the paper: what to measure, what it will take, what was measured."""
