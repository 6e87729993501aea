"""The explorer as a static page: the Gradio page's own layout and scripts over an engine in the browser."""
