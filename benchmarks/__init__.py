"""How fast the explorer is, as ratios against the machine's own limits and the reference code.

Every benchmark prints a table and asserts nothing: a slow machine is a fact, not a failure.
"""
