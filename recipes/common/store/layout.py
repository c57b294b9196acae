"""Names, and what the numbers of a store mean."""

SAMPLE_RATE = 16000
# An int16 sample is this times the float one.
FULL_SCALE = 32768

AUDIO = "audio.npy"
INDEX = "index.csv"
UNREADABLE = "unreadable.csv"
# What is being made, hidden until it is whole.
UNFINISHED = ".unfinished"

# Work that is not yet safe on disk when a run is killed is done again: at most about this much.
COMMIT_SECONDS = 1.0


def features_name(digest: str) -> str:
    """File of the features made by the front end of this hash."""
    return f"features-{digest}.npy"


def settings_name(digest: str) -> str:
    """File of what they were made with."""
    return f"features-{digest}.json"


def mask_name(digest: str) -> str:
    """File of their mask."""
    return f"mask-{digest}.npy"
