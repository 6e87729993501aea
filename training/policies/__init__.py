"""How the tiny language model and its two policies were trained."""
