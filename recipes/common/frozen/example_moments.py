"""The moments of examples, read once and checked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.common.frozen.bad_clip import BadClip
from recipes.common.frozen.clip_features import ClipFeatures
from recipes.common.frozen.clip_name import clip_name
from recipes.common.frozen.moments import Moments, joined, layers_of
from recipes.common.manifest import Segment
from recipes.common.protocol.fold import Example

# So many clips are named for each thing that is wrong.
_NAMED = 3


class ExampleMoments:
    """What a head gets to know of examples: their moments, kept in memory.

    Args:
        features: Where they come from.
        console: Where a progress bar is drawn.
    """

    def __init__(self, features: ClipFeatures, console: Console):
        self.features, self._console = features, console
        self._found: dict[tuple[str, ...], np.ndarray] = {}

    def read(self, examples: Iterable[Example]) -> None:
        """Reads what was not read yet.

        Raises:
            ValueError: If any of them has no features, or they are not all of a shape, or hold NaN
                or infinity: one error for all clips.
        """
        new = {_key(e): e for e in examples if _key(e) not in self._found}
        if not new:
            return
        self._check_shapes({s.id: s for e in new.values() for s in e.segments}.values())
        problems: dict[str, list[Segment]] = {}
        told = f"Reading {self.features.described}"
        for key, example in track(new.items(), told, self._console):
            parts = []
            for segment in example.segments:
                try:
                    parts.append(self._moments(segment))
                except BadClip as error:
                    problems.setdefault(str(error), []).append(segment)
            if not problems:
                self._found[key] = joined(parts).values
        self._refuse(problems)

    def of(self, examples: Sequence[Example]) -> np.ndarray:
        """float32 `(examples, rows, width)`: the values of `Moments`."""
        self.read(examples)
        return np.stack([self._found[_key(example)] for example in examples])

    def _moments(self, segment: Segment) -> Moments:
        found = self.features.moments(segment)
        if not np.isfinite(found.values).all():
            raise BadClip("NaN, infinity, or values beyond float32")
        return found

    def _check_shapes(self, segments: Iterable[Segment]) -> None:
        problems: dict[str, list[Segment]] = {}
        shapes: dict[tuple[int, int], list[Segment]] = {}
        for segment in segments:
            try:
                shapes.setdefault(self.features.shape(segment), []).append(segment)
            except BadClip as error:
                problems.setdefault(str(error), []).append(segment)
        for found in self._found.values():
            usual = layers_of(len(found)), found.shape[1]
            break
        else:
            usual = max(shapes, key=lambda shape: len(shapes[shape]), default=None)
        for (layers, width), found in shapes.items():
            if (layers, width) != usual:
                what = f"{layers} layers of {width} values in place of {usual[0]} of {usual[1]}"
                problems[what] = found
        # Of two audio files that differ in their suffix alone one would get the other's features.
        files = {(clip_name(s), s.path, s.start, s.end): s for s in segments}
        count = Counter(name for name, *_ in files)
        if twice := [s for (name, *_), s in files.items() if count[name] > 1]:
            problems["a name that several clips have"] = twice
        self._refuse(problems)

    def _refuse(self, problems: dict[str, list[Segment]]) -> None:
        if problems:
            raise ValueError(
                "Every clip must have features, floats `(frames, width)` or `(layers, frames, "
                "width)`, of as many layers and values as all others; see docs/howto/features.md. "
                f"Received: {self.features.described}, with {'; '.join(_told(problems))}"
            )


def _key(example: Example) -> tuple[str, ...]:
    return tuple(segment.id for segment in example.segments)


def _told(problems: dict[str, list[Segment]]) -> Iterator[str]:
    for what, segments in problems.items():
        named = ", ".join(f"'{clip_name(segment)}'" for segment in segments[:_NAMED])
        more = f" and {len(segments) - _NAMED:,} more" if len(segments) > _NAMED else ""
        clips = "1 clip" if len(segments) == 1 else f"{len(segments):,} clips"
        yield f"{what} for {clips} ({named}{more})"
