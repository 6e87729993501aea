"""YAML as a reader of a sweep expects it: 0:1:0.1 and 2026-01-01 are text, and no key is there twice.

PyYAML follows YAML 1.1, where 0:1:0.1 is a number of base 60 (60.1) and a repeated key replaces the first.
"""

import re
from collections import Counter
from functools import cache
from typing import Any

from evaluators.errors import SpecError
from lines_core.untrusted_text import quoted

_PLAIN_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?(?:0|[1-9][0-9]*)",
    "tag:yaml.org,2002:float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
}
"""What a number looks like in YAML 1.2, by tag; the first that matches a whole scalar counts."""
_WITHOUT = (*_PLAIN_NUMBERS, "tag:yaml.org,2002:timestamp")


def read_plain_yaml(text: bytes) -> object:
    """What a document means, of numbers, text, true and false, null, lists and mappings.

    Raises: SpecError for a key that is there twice; yaml.YAMLError, ValueError or RecursionError if it is
        not YAML.
    """
    import yaml

    return yaml.load(text, Loader=_loader())


@cache
def _loader() -> Any:
    """A ``yaml.SafeLoader`` with the numbers above."""
    import yaml

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 -- as PyYAML declares it
            first: [(tag, pattern) for tag, pattern in known if tag not in _WITHOUT]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            names = Counter(key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode))
            for name, times in names.most_common(1):
                if times > 1:
                    line = node.start_mark.line + 1
                    raise SpecError(f"{quoted(name)} is there twice in what begins in line {line}.")
            return super().construct_mapping(node, deep=deep)

    for tag, pattern in _PLAIN_NUMBERS.items():
        PlainLoader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), [*"-+.0123456789"])
    return PlainLoader
