"""How the embedded lab was made: the picture world, the trainings and the report, in steps that resume."""

from evaluators.torchvision_operators import declare_missing_operators

declare_missing_operators()
