"""One table of what the corpora's words mean, so that models and corpora can be put together."""

import unicodedata
from collections.abc import Sequence

# What tables have where there is no value; and question marks, of which any number may stand there.
_NO_VALUE = {"", "nan", "none", "null", "na", "n/a", "#n/a", "<na>", "nat"}

# What differs from the common name. EmoDB and CREMA-D have the common names. Only words that mean
# the same are here: "calm", "contempt", "annoyed" or "worried" are classes of their own. So are
# single letters, which mean something else in every corpus.
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
    # MELD, Emozionalmente, ASVP-ESD, EMNS, JL-Corpus.
    **dict.fromkeys(("joy", "joyful", "excited", "excitement"), "happiness"),
    "neutrality": "neutral",
    **dict.fromkeys(("afraid", "scared"), "fear"),
    # TESS.
    **dict.fromkeys(("ps", "pleasant surprise", "pleasant_surprise"), "surprise"),
    # EmoBox's spelling of EmoDB's.
    "boredem": "boredom",
    # MSP-Podcast.
    **dict.fromkeys(("no-agreement", "no_agreement"), "no agreement"),
    # eNTERFACE, and SAVEE's of two letters.
    **{"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness"},
    **{"sa": "sadness", "su": "surprise"},
    # EMOVO, whose "dis" and "neu" are above.
    **{"gio": "happiness", "pau": "fear", "rab": "anger", "sor": "surprise", "tri": "sadness"},
    # CaFE's folders.
    **{"colère": "anger", "dégoût": "disgust", "joie": "happiness", "neutre": "neutral"},
    **{"peur": "fear", "tristesse": "sadness"},
    # DAIC-WOZ.
    "0": "not depressed",
    "1": "depressed",
}

# What published work tells apart most often.
FOUR_CLASSES = ("anger", "happiness", "neutral", "sadness")


def is_value(text: str) -> bool:
    """Whether a table's cell holds a value, and no word for the lack of one.

    Example:

    >>> is_value("joy"), is_value("NaN"), is_value(" ? "), is_value("")
    (True, False, False, False)
    """
    return text.strip().strip("?").lower() not in _NO_VALUE


def plain_word(word: str) -> str:
    """A label as it is compared: in lower case, with nothing around it, accents composed.

    Example:

    >>> plain_word(" Joy ")
    'joy'
    """
    return unicodedata.normalize("NFC", word.strip().lower())


def common_label(word: str) -> str:
    """The common name of a corpus's word; a word that is not in the table stays, in lower case.

    Example:

    >>> common_label("hap"), common_label("Joy"), common_label("Calm")
    ('happiness', 'happiness', 'calm')
    """
    word = plain_word(word)
    return COMMON.get(word, word)


def class_of(word: str, labels: Sequence[str]) -> int | None:
    """Index into `labels` of a corpus's word or its common name; `None` if neither is there.

    Example:

    >>> class_of("sad", ("anger", "sadness")), class_of("fru", ("anger", "sadness"))
    (1, None)
    """
    # The word itself first: a corpus of one's own may have classes that are called 0 and 1.
    for name in (plain_word(word), common_label(word)):
        if name in labels:
            return labels.index(name)
    return None
