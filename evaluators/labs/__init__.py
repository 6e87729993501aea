"""Labs: an encoder with its checkpoints, tasks and pictures, wherever they come from."""
