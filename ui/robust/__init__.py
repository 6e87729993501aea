"""The page Robust fine-tuning (section 5.1): LiNeS with WiSE-FT."""
