"""Kinds of problems that M3ED alone has."""

MALFORMED_ENTRY = "malformed entry"
MISSING_SPLIT = "missing split"
# Known of the published corpus.
EMPTY_AUDIO = "empty audio"
WRONG_SPEAKER = "wrong speaker"
