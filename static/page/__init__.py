"""The explorer as a static page: the Gradio page's own layout and scripts over an engine in the browser."""

from ui.gradio_import import import_gradio

import_gradio()  # in its quick way, before any module here imports it
