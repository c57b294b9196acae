"""What is known to be wrong in DAIC-WOZ, each thing under a name by which it can be left as it is.

Sources: the corpus's own documentation; A. Bailey, M. D. Plumbley, "Gender Bias in Depression
Detection Using Audio Features", EUSIPCO 2021, and the code that goes with it.
"""

import re

# Session -> begin and end of an interruption, in seconds. Of 373 there are two accounts: both.
INTERRUPTIONS = {"373": (352.0, 428.0), "444": (286.0, 387.0)}

# Session -> by how many seconds its transcript's times are too early.
OFFSETS = {"318": 34.319917, "321": 3.8379167, "341": 6.1892, "362": 16.8582}

# Participant -> the label that follows from the score, where the file says another.
LABELS = {"409": "1"}

SCRUBBED = "scrubbed-entry"
SYNC = "sync"
CHATTER = "chatter"

# A word in brackets such as <sync> or [syncing], or a row that is nothing else than such a word.
_SYNC_MARK = re.compile(
    r"<[^<>]*\bsync[^<>]*>|\[[^\[\]]*\bsync[^\[\]]*\]|^\W*sync\w*\W*$", re.IGNORECASE
)

ERRATA = {
    **{
        f"interruption-{session}": f"drop rows that overlap {begin:g} to {end:g} s"
        for session, (begin, end) in INTERRUPTIONS.items()
    },
    **{
        f"offset-{session}": f"add {seconds} s to the transcript's times"
        for session, seconds in OFFSETS.items()
    },
    **{
        f"label-{participant}": f"label {label}, as the score says"
        for participant, label in LABELS.items()
    },
    SCRUBBED: "drop rows whose words were taken out",
    SYNC: "drop rows such as <sync>",
    CHATTER: "drop what is said before the interviewer's first row",
}


def is_scrubbed(text: str) -> bool:
    """Whether the row's words, and the sound with them, were taken out of the corpus."""
    return "scrubbed_entry" in text.lower()


def is_sync(text: str) -> bool:
    """Whether the row marks the sound by which camera and microphone were aligned."""
    return _SYNC_MARK.search(text) is not None
