"""How the embedded assets were made: synthetic images, training runs and the report, in resumable steps."""

from evaluators.encoder.torchvision_operators import declare_missing_operators

declare_missing_operators()  # before any module here imports torchvision, in whatever order
