"""The CLIP encoder in memory: live weights, residual cache, classifier heads and forward passes."""
