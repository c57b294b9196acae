"""A corpus of one's own: a CSV that names clips, what is felt in them, and who speaks."""
