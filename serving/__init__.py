"""What a running server needs around the page: request limits, health, metrics, logs and stopping."""
