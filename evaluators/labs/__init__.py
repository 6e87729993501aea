"""Labs: a pre-trained encoder with the checkpoints, tasks and evaluation images of its edits.

`lab.Lab` resolves an ``EditSpec`` to what is evaluated, and loads what that needs on first use. Subclasses
say where it is read from: `embedded_lab.EmbeddedLab` from the files that ship with the app, ``HubLab`` in
``evaluators/hub`` from the Hub.
"""
