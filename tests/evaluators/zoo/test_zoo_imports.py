"""The package as a whole."""

import ast
import sys
from pathlib import Path

from evaluators import zoo


def test_reading_the_tables_imports_nothing_but_the_standard_library() -> None:
    allowed = {"evaluators.errors", "evaluators.zoo"}
    for path in Path(zoo.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            else:
                continue
            for name in names:
                own = name.startswith("evaluators.") and ".".join(name.split(".")[:2]) in allowed
                assert own or name.split(".")[0] in sys.stdlib_module_names, f"{path.name} imports {name}"
