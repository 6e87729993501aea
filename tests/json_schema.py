"""The part of JSON Schema that this project's schemas use, so that tests can check values against them."""

from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
KNOWN = {"$ref", "type", "const", "enum", "minimum", "maximum", "required", "properties", "items"}
KNOWN |= {"additionalProperties", "description", "title", "$schema", "$defs"}


def complaints(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "$"
) -> Iterator[str]:
    """What is wrong with a value, as "place: complaint"; nothing if it is as the schema says.

    Raises: KeyError if the schema uses a word that is not implemented here.
    """
    if foreign := set(schema) - KNOWN:
        raise KeyError(f"{at}: {foreign}")
    if "$ref" in schema:
        yield from complaints(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    foreign_bool = isinstance(value, bool) and "boolean" not in wanted
    if wanted and (foreign_bool or not any(isinstance(value, TYPES[name]) for name in wanted)):
        yield f"{at}: {value!r} is no {' or '.join(wanted)}"
        return
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: {value} is too small"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{at}: {value} is too large"
    if isinstance(value, dict):
        yield from (f"{at}: no {name}" for name in schema.get("required", []) if name not in value)
        others = schema.get("additionalProperties", True)
        for name, member in value.items():
            place = f"{at}.{name}"
            if name in schema.get("properties", {}):
                yield from complaints(member, schema["properties"][name], root, place)
            elif others is False:
                yield f"{place}: is not described"
            elif isinstance(others, dict):
                yield from complaints(member, others, root, place)
    if isinstance(value, list) and "items" in schema:
        for index, entry in enumerate(value):
            yield from complaints(entry, schema["items"], root, f"{at}[{index}]")
