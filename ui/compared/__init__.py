"""The page Fine-tuning compared (C.8, C.9)."""
