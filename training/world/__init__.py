"""Synthetic images: generators that draw every training and evaluation image."""
