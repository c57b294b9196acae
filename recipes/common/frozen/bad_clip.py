"""What is wrong with one clip's features."""


class BadClip(ValueError):
    """Its message is the reason alone, the same for all clips that have it."""
