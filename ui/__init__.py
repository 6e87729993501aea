"""The page: Gradio components, Plotly figures and words. It computes no accuracy; `evaluators` does."""
