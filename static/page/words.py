"""Words of the static edition alone; everything else is said as on the Gradio page."""

from pathlib import Path

from ui.address.page_link import TWICE
from ui.explore.pins import DAMAGED, EXAMPLE, GONE

MISSING = (
    "Numbers that ship with this page could not be loaded ({reason}): check the connection and try again, or "
    "reload the page."
)
PAGE_WORDS = {
    "unknown": "The link's {name} “{said}” is not one of {known}.",
    "twice": TWICE,
    "pin_damaged": DAMAGED.format(example=EXAMPLE, said="{said}", wrong="is not"),
    "pin_gone": GONE,
    "missing": MISSING,
    "again": "Try again",
}
ENGINE_WORDS = {
    "offer": "This setting does not ship with the page: this device has to run the model.",
    "load": "Load it ({size} MB)",
    "loading": "Loading the model, once …",
    "unreached": "The model could not be loaded: check the connection and try again.",
    "misfit": "This schedule does not have a factor for each block: choose a preset.",
    "waiting": "Waiting for the model …",
    "close": "This device has to run the model: close this, press “Load it”, then choose the image again.",
}
LIVE_WORDS = {
    "missing": "This browser was to count, but what it needs could not be loaded ({reason}): check the "
    "connection, then move a control.",
}
FIXED_CONTROLS = "On this page these settings stay as they are: it has no server to measure others."
EDITION = (
    'Runs in your browser, without a server. <button type="button">Download it</button> ({size} MB): '
    "unpacked, any local web server opens it, such as <code>python -m http.server</code> in its folder. "
    '<span role="status"></span>'
)
DOWNLOAD_WORDS = {
    "stop": "Stop",
    "stopped": "Stopped.",
    "part": "{percent} % …",
    "done": "Ready: {archive}.",
    "failed": "{path} could not be loaded ({reason}): check the connection and try again.",
    "changed": "{path} is of another version than this page: reload it.",
}
ABOUT_EDITION = (Path(__file__).parent / "about_edition.md").read_text(encoding="utf-8")
NO_SCRIPT = "This page needs JavaScript."
FROM_FILE = (
    "Opened from a file, a browser refuses the page its own data. Start a web server in its folder, for "
    "example “python -m http.server”, and open the address that it prints."
)
