"""Entries of a page's link that cannot be followed."""

from ui.address.page_link import NOT_HERE, LinkReader


def test_a_checkpoint_that_only_another_browser_has_is_said_to_be_that() -> None:
    """The notice repeated its secret key, and listed the keys of all others as what it should be."""
    reader = LinkReader({"tasks": "digits,own-0123.task-4567,faces"})
    assert reader.some_of("tasks", ["faces", "digits", "scenes"], []) == ["faces", "digits"]
    assert reader.complaints == [NOT_HERE]


def test_an_unknown_task_is_named_beside_those_that_are_known() -> None:
    reader = LinkReader({"tasks": "dogs"})
    assert reader.some_of("tasks", ["faces", "digits"], ["faces"]) == ["faces"]
    assert reader.complaints == ["The link's tasks “dogs” is not one of faces, digits."]
