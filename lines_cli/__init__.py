"""The command `lines`: subcommands for the app, the public models and the benchmarks."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
BUNDLE = PACKAGE / "explorer"
"""What an installed wheel holds of the app: app.py, evaluators, ui, serving, assets."""

STOPPED = 130
"""Exit status after Ctrl-C."""


def app_folder() -> Path:
    """Folder of app.py, its packages and ``assets``: the checkout, or the copy inside an installed wheel.

    Its packages have everyday names (``app``, ``ui``), so the wheel keeps them out of site-packages: they can
    be imported once this function has put their folder first on ``sys.path``.
    """
    folder = BUNDLE if BUNDLE.is_dir() else CHECKOUT
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return folder


def default_cache() -> Path:
    """Folder for results, images and models: in the checkout, or of the user where the wheel is installed."""
    return CHECKOUT / ".cache" if app_folder() == CHECKOUT else Path.home() / ".cache" / "lines-explorer"
