"""What a running server needs around the page: the gate for uploads, health, metrics, logs and stopping."""
