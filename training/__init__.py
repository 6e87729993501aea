"""How the embedded assets were made: synthetic images, training runs and the report, in resumable steps."""

from evaluators.encoder.open_clip_import import import_open_clip

import_open_clip()  # in its quick way, before any module here imports it
