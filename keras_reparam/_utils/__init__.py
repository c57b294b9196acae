"""Helpers without a subject of their own: files, progress, silence on the screen, processes."""
