"""What is published of DAIC-WOZ: participants of each split, and how many of them are depressed."""

from collections import Counter
from collections.abc import Iterable

from recipes.common.manifest import Segment
from recipes.common.preparation.counts import Count

PARTICIPANTS = 189
# By split, and by label as the files have it. Of the test split the number alone is published.
SPLITS = {"train": 107, "validation": 35, "test": 47}
LABELS = {("train", "0"): 77, ("train", "1"): 30, ("validation", "0"): 23, ("validation", "1"): 12}


def counts_of(segments: Iterable[Segment], *, relabelled: int) -> list[Count]:
    """The published counts beside those of participants who speak in any segment.

    Args:
        segments: Of the manifest.
        relabelled: How many training participants are labelled 1 whom the file labels 0.
    """
    people = {segment.speaker: (segment.split, segment.label) for segment in segments}
    splits = Counter(split for split, _ in people.values())
    labels = Counter(people.values())
    moved = {("train", "0"): -relabelled, ("train", "1"): relabelled}
    return [
        Count("participants", PARTICIPANTS, len(people)),
        *(Count(f"{split} participants", n, splits[split]) for split, n in SPLITS.items()),
        *(
            Count(f"{key[0]} participants labelled {key[1]}", n + moved.get(key, 0), labels[key])
            for key, n in LABELS.items()
        ),
    ]
