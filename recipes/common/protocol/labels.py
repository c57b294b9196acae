"""One table of what the corpora's words mean, so that models and corpora can be put together."""

from collections.abc import Sequence

# What differs from the common name. EmoDB and CREMA-D have the common names.
COMMON = {
    # IEMOCAP.
    "ang": "anger",
    "dis": "disgust",
    "exc": "happiness",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
    "xxx": "no agreement",
    # M3ED, whose "sad" is above; and adjectives like its own, which others have.
    "happy": "happiness",
    "angry": "anger",
    "bored": "boredom",
    "disgusted": "disgust",
    "fearful": "fear",
    "frustrated": "frustration",
    "surprised": "surprise",
    # DAIC-WOZ.
    "0": "not depressed",
    "1": "depressed",
}

# What published work tells apart most often.
FOUR_CLASSES = ("anger", "happiness", "neutral", "sadness")


def common_label(word: str) -> str:
    """The common name of a corpus's word; a word that is not in the table stays, in lower case.

    Example:

    >>> common_label("hap"), common_label("Calm")
    ('happiness', 'calm')
    """
    word = word.strip().lower()
    return COMMON.get(word, word)


def class_of(word: str, labels: Sequence[str]) -> int | None:
    """Index into `labels` of a corpus's word or its common name; `None` if neither is there.

    Example:

    >>> class_of("sad", ("anger", "sadness")), class_of("fru", ("anger", "sadness"))
    (1, None)
    """
    # The word itself first: a corpus of one's own may have classes that are called 0 and 1.
    for name in (word.strip().lower(), common_label(word)):
        if name in labels:
            return labels.index(name)
    return None
