"""Files, data sets and checkpoints from the Hugging Face Hub."""
