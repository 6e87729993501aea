"""The paper's experiments as lists of edits and what is read off their evaluations."""
