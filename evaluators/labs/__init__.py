"""Labs: an encoder with its checkpoints, tasks and images, embedded or from the Hub."""
