"""The page Models: load public encoders, add a checkpoint."""
