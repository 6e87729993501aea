"""Serve the page over the embedded lab and a local Hub, for browser tests of what is loaded from there.

The Hub has the paper's eight tasks in their public layouts, with a small encoder in the place of ViT-B/32 and
nothing under the names of the others.

python -m tests.browser.serve_hub PORT FOLDER [--slow BYTES_A_SECOND]
"""

import argparse
from pathlib import Path

from tests.hub import environment  # isort: skip -- first of all: it says where the Hub is

from evaluators.hub import loader as loading
from evaluators.service.studio import Studio
from evaluators.zoo import BENCHMARKS, ENCODERS
from tests.hub.repositories import finetuned, random_clip, serve_zoo, small_encoder, tall_masks_state
from tests.hub.server import Hub
from tests.paths import ASSETS
from ui.explore import explore_page as explore
from ui.explore import share_link
from ui.layout import build, launch_settings

IMAGES = 120


def main() -> None:
    """Serve until killed; a checkpoint to upload lies in FOLDER as own.pt, a broken one as broken.pt."""
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", type=int, default=0, help="checkpoints arrive at this rate")
    given = parser.parse_args()
    hub = Hub(given.folder / "served", environment.PORT, held=environment.HELD)
    hub.root.mkdir(parents=True)
    hub.start()
    small = small_encoder(given.folder)
    for module in (loading, explore, share_link):
        vars(module)["ENCODERS"] = {**ENCODERS, small.key: small}
    serve_zoo(hub, small, BENCHMARKS[8], IMAGES, ("tall-masks", "fusion-bench"))
    torch.save(tall_masks_state(finetuned(random_clip(small), seed=99)), given.folder / "own.pt")
    (given.folder / "broken.pt").write_bytes((given.folder / "own.pt").read_bytes()[:-9_000])
    if given.slow:
        hub.fail("resolve/*/nonlinear_finetuned.pt", "drip", rate=given.slow, times=None)
    studio = Studio(ASSETS, given.folder / "cache")
    build(studio).launch(server_name="127.0.0.1", server_port=given.port, quiet=True, **launch_settings())


if __name__ == "__main__":
    main()
