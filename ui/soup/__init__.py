"""The page Soup (section 5.3): averages of fine-tuned models."""
