"""M3ED's published counts."""

from collections import Counter
from collections.abc import Collection, Mapping

from recipes.common.manifest import Segment
from recipes.common.preparation.counts import Count
from recipes.m3ed.utterances import Utterance

_MOVIES = {"train": 38, "validation": 7, "test": 11}
_DIALOGS = 990
_UTTERANCES = 24_449
# Without audio that has no samples, and with it.
_USABLE = {"train": 17_420, "validation": 2819, "test": 4198}
_ANNOTATED = {"train": 17_427, "validation": 2821, "test": 4201}
_USABLE_BY_LABEL = {
    "train": {
        **{"neutral": 7126, "anger": 3814, "sad": 2734, "happy": 1625, "disgust": 1145},
        **{"surprise": 696, "fear": 280},
    },
    "validation": {
        **{"neutral": 1042, "anger": 681, "sad": 489, "happy": 303, "disgust": 134},
        **{"surprise": 120, "fear": 50},
    },
    "test": {
        **{"neutral": 1853, "anger": 736, "sad": 734, "happy": 358, "disgust": 218},
        **{"surprise": 234, "fear": 65},
    },
}


def counts_of(
    utterances: Collection[Utterance], usable: Collection[Segment], splits: Mapping[str, str]
) -> list[Count]:
    """All published counts beside what was found.

    Args:
        utterances: All that are annotated.
        usable: Those that have audio.
        splits: The split of every series.
    """
    movies = Counter(splits.get(movie) for movie in {u.movie for u in utterances})
    annotated = Counter(splits.get(utterance.movie) for utterance in utterances)
    labels = Counter((segment.split, segment.label) for segment in usable)
    dialogs = {(utterance.movie, utterance.dialog) for utterance in utterances}
    counts = [
        Count("dialogs", _DIALOGS, len(dialogs)),
        Count("utterances", _UTTERANCES, len(utterances)),
    ]
    for split, by_label in _USABLE_BY_LABEL.items():
        found = sum(segment.split == split for segment in usable)
        counts += [
            Count(f"{split}, series", _MOVIES[split], movies[split]),
            Count(f"{split}, annotated", _ANNOTATED[split], annotated[split]),
            Count(f"{split}, usable", _USABLE[split], found),
            *(
                Count(f"{split}, usable, {label}", n, labels[split, label])
                for label, n in by_label.items()
            ),
        ]
    return counts
