"""How many clips EmoDB has."""

from collections import Counter
from collections.abc import Iterable

from recipes.common.manifest import Segment
from recipes.common.preparation.counts import Count

CLIPS = 535
EMOTIONS = {
    "anger": 127,
    "boredom": 81,
    "disgust": 46,
    "fear": 69,
    "happiness": 71,
    "neutral": 79,
    "sadness": 62,
}
SPEAKERS = {
    "03": 49,
    "08": 58,
    "09": 43,
    "10": 38,
    "11": 55,
    "12": 35,
    "13": 61,
    "14": 69,
    "15": 56,
    "16": 71,
}
SEXES = {"female": 302, "male": 233}


def counts_of(segments: Iterable[Segment]) -> list[Count]:
    """The published counts beside those of `segments`."""
    segments = list(segments)
    found = {
        name: Counter(getattr(segment, name) for segment in segments)
        for name in ("label", "speaker", "sex")
    }
    return [
        Count("clips", CLIPS, len(segments)),
        *(Count(label, n, found["label"][label]) for label, n in EMOTIONS.items()),
        *(Count(f"speaker {name}", n, found["speaker"][name]) for name, n in SPEAKERS.items()),
        *(Count(f"{sex} speakers' clips", n, found["sex"][sex]) for sex, n in SEXES.items()),
    ]
