"""CLIP parameter names in public checkpoints, converted to and from open_clip's."""
