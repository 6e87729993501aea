"""Everything there is in the text world: people, places, things with their kinds and materials, and needs."""

from collections.abc import Mapping

PEOPLE = tuple(
    """mira tobin dax lune orrin sela brok fenn isko jori kava lom neva pim quill rasa tamsin ulo vesk
    yara""".split()
)
PLACES = tuple("cellar garden attic kitchen market harbour mill forest tower meadow bridge cave".split())
KINDS: Mapping[str, tuple[str, ...]] = {
    "tool": tuple("knife hammer saw needle shovel ladder".split()),
    "fruit": tuple("apple pear plum cherry melon fig".split()),
    "animal": tuple("horse goat hen fox owl otter".split()),
    "vessel": tuple("cup bowl jug kettle barrel vase".split()),
    "garment": tuple("coat glove scarf boot hat belt".split()),
    "instrument": tuple("drum flute bell harp horn fiddle".split()),
}
THINGS = tuple(thing for things in KINDS.values() for thing in things)
KIND_OF = {thing: kind for kind, things in KINDS.items() for thing in things}
MATERIALS: Mapping[str, tuple[str, ...]] = {
    "iron": tuple("knife hammer saw needle shovel kettle bell".split()),
    "wood": tuple("ladder bowl barrel drum flute harp fiddle".split()),
    "clay": tuple("cup jug vase".split()),
    "wool": tuple("coat glove scarf hat".split()),
    "leather": tuple("boot belt".split()),
}
MATERIAL_OF = {thing: material for material, things in MATERIALS.items() for thing in things}
BEHAVIOUR: Mapping[str, str] = {
    "iron": "rusts",
    "wood": "burns",
    "clay": "breaks",
    "wool": "warms",
    "leather": "bends",
    "fruit": "ripens",
    "animal": "breathes",
    "instrument": "sounds",
    "tool": "works",
    "vessel": "holds",
}
"""What things of a material or kind do: two facts lead from a thing to it."""
COLOURS = tuple("red blue green white black grey".split())
NEEDS: Mapping[str, tuple[str, str]] = {
    "hungry": ("bread", "ate"),
    "thirsty": ("water", "drank"),
    "tired": ("bed", "slept"),
    "cold": ("fire", "warmed"),
    "dirty": ("bath", "washed"),
    "bored": ("game", "played"),
    "sick": ("doctor", "healed"),
    "lost": ("map", "returned"),
}
"""By need: what helps, and what then happens."""
AMOUNTS = tuple("rain dust wind noise light heat mud shade".split())
