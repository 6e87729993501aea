"""Sweeps on a page: shown from the cache, measured at a button, streamed and cancelled."""
