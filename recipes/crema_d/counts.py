"""How many clips CREMA-D has."""

from collections import Counter
from collections.abc import Iterable

from recipes.common.manifest import Segment
from recipes.common.preparation.counts import Count
from recipes.crema_d.flagged import FLAGGED

CLIPS = 7442
ACTORS = 91
EMOTIONS = {
    "anger": 1271,
    "disgust": 1271,
    "fear": 1271,
    "happiness": 1271,
    "neutral": 1087,
    "sadness": 1271,
}
SEXES = {"female": 3512, "male": 3930}


def counts_of(segments: Iterable[Segment], left_out: Iterable[Segment]) -> list[Count]:
    """The published counts beside those of all clips, and the number of those left out."""
    left_out = list(left_out)
    clips = [*segments, *left_out]
    labels = Counter(segment.label for segment in clips)
    sexes = Counter(segment.sex for segment in clips)
    return [
        Count("clips", CLIPS, len(clips)),
        Count("actors", ACTORS, len({segment.speaker for segment in clips})),
        *(Count(label, n, labels[label]) for label, n in EMOTIONS.items()),
        *(Count(f"clips of {sex} actors", n, sexes[sex]) for sex, n in SEXES.items()),
        Count("clips left out", len(FLAGGED), len(left_out)),
    ]
