"""The address of the page: which page is open and what its controls are set to, as a link."""
