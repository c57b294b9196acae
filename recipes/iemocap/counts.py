"""IEMOCAP's published counts."""

from collections import Counter
from collections.abc import Iterable

from recipes.common.preparation.counts import Count
from recipes.iemocap.labels import MERGED
from recipes.iemocap.turns import Turn

_DIALOGS = 151
_TURNS = 10_039
# Before excitement counts as happiness.
_BY_LABEL = {
    **{"xxx": 2507, "fru": 1849, "neu": 1708, "ang": 1103, "sad": 1084, "exc": 1041},
    **{"hap": 595, "sur": 107, "fea": 40, "oth": 3, "dis": 2},
}

# From here on: the four classes of published work, and those of all sessions.
_CLASSES = ("ang", "hap", "neu", "sad")
_FOUR = 5531
_BY_CLASS = {"ang": 1103, "hap": 1636, "neu": 1708, "sad": 1084}
_BY_SESSION = {
    "1": {"ang": 229, "hap": 278, "neu": 384, "sad": 194, "F": 528, "M": 557},
    "2": {"ang": 137, "hap": 327, "neu": 362, "sad": 197, "F": 481, "M": 542},
    "3": {"ang": 240, "hap": 286, "neu": 320, "sad": 305, "F": 522, "M": 629},
    "4": {"ang": 327, "hap": 303, "neu": 258, "sad": 143, "F": 528, "M": 503},
    "5": {"ang": 170, "hap": 442, "neu": 384, "sad": 245, "F": 590, "M": 651},
}
_BY_SESSION_TOTAL = {"1": 1085, "2": 1023, "3": 1151, "4": 1031, "5": 1241}
_IMPROVISED = 2943
_IMPROVISED_BY_CLASS = {"neu": 1099, "hap": 947, "sad": 608, "ang": 289}


def counts_of(turns: Iterable[Turn]) -> list[Count]:
    """All published counts beside what was found."""
    turns = list(turns)
    labels = Counter(turn.label for turn in turns)
    four = [turn for turn in turns if _class_of(turn) in _CLASSES]
    improvised = [turn for turn in four if "_impro" in turn.dialog]
    return [
        Count("dialogs", _DIALOGS, len({turn.dialog for turn in turns})),
        Count("turns", _TURNS, len(turns)),
        *(Count(f"turns, {label}", n, labels[label]) for label, n in _BY_LABEL.items()),
        Count("four classes", _FOUR, len(four)),
        *_by_class("four classes", _BY_CLASS, four),
        *(count for session in _BY_SESSION for count in _of_session(session, four)),
        Count("four classes, improvised", _IMPROVISED, len(improvised)),
        *_by_class("four classes, improvised", _IMPROVISED_BY_CLASS, improvised),
    ]


def _class_of(turn: Turn) -> str:
    return MERGED.get(turn.label, turn.label)


def _by_class(name: str, expected: dict[str, int], turns: list[Turn]) -> list[Count]:
    found = Counter(map(_class_of, turns))
    return [Count(f"{name}, {label}", n, found[label]) for label, n in expected.items()]


def _of_session(session: str, four: list[Turn]) -> list[Count]:
    turns = [turn for turn in four if turn.session == session]
    found = Counter(map(_class_of, turns)) + Counter(turn.letter for turn in turns)
    name = f"four classes, session {session}"
    return [
        Count(name, _BY_SESSION_TOTAL[session], len(turns)),
        *(Count(f"{name}, {what}", n, found[what]) for what, n in _BY_SESSION[session].items()),
    ]
