"""Downloading the edited model."""
