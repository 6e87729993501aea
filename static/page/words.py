"""Words of the static edition alone; everything else is said as on the Gradio page."""

PAGE_WORDS = {
    "unknown": "The link's {name} “{said}” is not one of {known}.",
}
ENGINE_WORDS = {
    "offer": "This setting does not ship with the page: this device has to run the model.",
    "load": "Load it ({size} MB)",
    "loading": "Loading the model, once …",
    "waiting": "Waiting for the model …",
}
FIXED_CONTROLS = "On this page these settings stay as they are: it has no server to measure others."
NO_SCRIPT = "This page needs JavaScript."
FROM_FILE = (
    "Opened from a file, a browser refuses the page its own data. Start a web server in its folder, for "
    "example “python -m http.server”, and open the address that it prints."
)
