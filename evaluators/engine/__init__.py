"""Counting correct images of an edit, on this process's device or a ZeroGPU worker."""
