"""One part of the page a file: lays its components out and wires their events; computes no number."""
