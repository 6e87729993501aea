"""Taking an edited model home: weights, model card and recipe, as files that other programs read."""

from evaluators.export.errors import ExportError
from evaluators.export.files import Exported, export
from evaluators.export.layouts import LAYOUTS, ExportLayout

__all__ = ["LAYOUTS", "ExportError", "ExportLayout", "Exported", "export"]
