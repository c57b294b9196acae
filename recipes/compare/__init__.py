"""Comparisons: many runs over corpora, backbones, seeds and folds, and what they show."""
