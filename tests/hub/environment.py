"""Point huggingface_hub and everything above it at the local Hub of the tests.

Those libraries read the environment once, when they are first imported, so this module is imported before
any of them and does its work on import. The port is taken here and held, though nobody listens on it: until
a test starts the local Hub a request is refused at once, and no test can reach the real one.
"""

import atexit
import os
import shutil
import socket
import tempfile

HELD = socket.socket()
"""Bound to the Hub's port and not listening; the first ``Hub`` takes it over."""
HELD.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that the Hub can go down and come back
HELD.bind(("127.0.0.1", 0))
PORT = int(HELD.getsockname()[1])
ADDRESS = f"http://127.0.0.1:{PORT}"
HOME = tempfile.mkdtemp(prefix="lines-hub-")

for _name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ.pop(_name, None)
for _name in (
    "HUGGINGFACE_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "HF_TOKEN_PATH",
    "HF_XET_CACHE",
    "HF_ASSETS_CACHE",
):
    os.environ.pop(_name, None)
os.environ |= {
    "HF_ENDPOINT": ADDRESS,
    "HF_HOME": HOME,
    "HF_HUB_CACHE": os.path.join(HOME, "hub"),
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}
atexit.register(HELD.close)
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
