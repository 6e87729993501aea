"""Export of an edited model: weights, model card and mergekit recipe."""

from evaluators.export.export_error import ExportError
from evaluators.export.export_files import EXTRAS, MODELS, Exported, export
from evaluators.export.export_layouts import LAYOUTS, ExportLayout, layouts_of
from evaluators.export.learned_export import export_learned

__all__ = [
    "EXTRAS",
    "LAYOUTS",
    "MODELS",
    "ExportError",
    "ExportLayout",
    "Exported",
    "export",
    "export_learned",
    "layouts_of",
]
