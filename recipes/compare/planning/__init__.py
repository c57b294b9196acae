"""What is compared: axes, their combinations, and the corpora."""
