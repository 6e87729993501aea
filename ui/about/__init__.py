"""The page About the method."""
