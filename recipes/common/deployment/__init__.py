"""Export, the last stage of a recipe: files for a phone, each with its own accuracy.

`fold.export_fold` does it all; the other modules are its parts.
"""
