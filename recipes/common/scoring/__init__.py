"""Scores of clips of any length, by Keras or a file for the phone."""
