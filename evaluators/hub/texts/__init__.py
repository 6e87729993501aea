"""Text models from the Hub: a T5 with its checkpoints, and questions of GLUE."""
