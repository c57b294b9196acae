"""Made-up copies of corpora: their layouts and oddities, with synthetic names, labels and audio.

They know the formats from the corpora's descriptions alone, and never call the recipes' code.
"""
