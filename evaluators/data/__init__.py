"""Evaluation data: tasks with class names and prompts, seeded image subsets, batches on the device."""
