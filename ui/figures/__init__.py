"""Figures: pure functions from evaluations to Plotly figures as plain dictionaries. No Gradio, no colours.

A figure is {"data": [...], "layout": {...}} exactly as Plotly's JSON has it; building `go.Figure` objects
would validate every field on every slider move (a test does that once instead).
"""
