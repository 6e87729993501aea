"""Engines that count correct images of an edit: this process's device, or ZeroGPU workers."""
