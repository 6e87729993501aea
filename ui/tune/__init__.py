"""The page Tune (C.1): gamma chosen on validation images."""
