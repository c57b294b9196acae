"""Examples' audio and features, from the store."""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam.audio import LogMel
from keras_reparam.audio.windows import extent, windows
from recipes.common.features import Features
from recipes.common.manifest import read_segment
from recipes.common.perturbations.mixture import degraded
from recipes.common.protocol.fold import Example
from recipes.common.store import Store, add_speeds
from recipes.common.store.copies import features_of_copies
from recipes.common.store.layout import SAMPLE_RATE
from recipes.common.store.stored_features import StoredFeatures
from recipes.common.teacher.pooled_features import PooledFeatures
from recipes.common.teacher.whisper_encoder import WhisperEncoder

# The segments of an example begin at multiples of this many frames, so that none of a HAFFormer's
# merges (5, 5 and 4 frames) has frames of two of them. What lies between is not valid.
_ALIGNMENT = 100
# Counted up where other samples are made of the same chances: former copies are not taken for them.
_COPIES = 3


class Corpus:
    """The store of a corpus, read example by example.

    Args:
        folder: The store.
        log_mel: The front end that its features were made with.
    """

    def __init__(self, folder: Path, log_mel: LogMel):
        self._store, self._log_mel = Store(folder), log_mel
        self._features = {1.0: self._store.features(log_mel)}
        self._copies: list[StoredFeatures] = []

    def add_speeds(self, speeds: Sequence[float], console: Console) -> None:
        """Makes the features at these speeds, unless the store has them."""
        add_speeds(self._store.folder, self._log_mel, speeds, console)
        for speed in speeds:
            self._features[speed] = self._store.features(self._log_mel, speed=speed)

    def add_copies(
        self,
        examples: Sequence[Example],
        count: int,
        chances: Mapping[str, float],
        console: Console,
    ) -> None:
        """Makes so many degraded copies of each example's clips, unless the store has them.

        Args:
            examples: Those of the training split; the voices of a babble are theirs, too.
            count: Copies of each clip.
            chances: Of each change, as `perturbations.mixture.degraded` takes them.
            console: Where progress bars are drawn.
        """
        speakers = {
            segment.id: segment.speaker for example in examples for segment in example.segments
        }
        about = {"chances": dict(chances), "version": _COPIES}
        self._copies = [
            features_of_copies(
                self._store,
                self._log_mel,
                list(speakers),
                functools.partial(_degraded, self._store, speakers, chances, number),
                {**about, "copy": number},
                console,
            )
            for number in range(count)
        ]

    @property
    def store(self) -> Store:
        """The store."""
        return self._store

    def taught_by(self, encoder: WhisperEncoder, console: Console) -> PooledFeatures:
        """What a teacher makes of the clips, computed unless the store has it."""
        return PooledFeatures(self._store, encoder, console)

    def samples(self, example: Example) -> np.ndarray:
        """Its waveform, float32 `(samples,)`."""
        parts = [self._store.audio(segment.id) for segment in example.segments]
        return _joined(parts, _ALIGNMENT * self._log_mel.hop_length)

    def features(self, example: Example, *, speed: float = 1.0) -> Features:
        """Its features before normalisation, float16 `(frames, mels)`, and its mask."""
        return _features(self._features[speed], example)

    def copies(self, example: Example) -> list[Features]:
        """The features of its degraded copies, as far as `add_copies` was asked for them."""
        return [_features(found, example) for found in self._copies]

    def frames(self, example: Example) -> int:
        """How many frames its features have."""
        return len(self.features(example).mask)

    def adapt(self, log_mel: LogMel, examples: Sequence[Example]) -> None:
        """Gives `log_mel` the mean and standard deviation of the examples' valid frames."""
        clips = [segment.id for example in examples for segment in example.segments]
        values, mask = self._features[1.0].padded(clips)
        log_mel.adapt(values, mask=mask)

    def windows(self, example: Example, frames: int) -> Iterator[Features]:
        """The half-overlapping windows of its features, at most `frames` long.

        They begin and end where those of its samples do: at the first and the last valid frame.
        One without any is left out, unless there is nothing else.
        """
        found = self.features(example)
        sound = extent(found.mask)
        silent = True
        for start, part in windows([found.mask[sound]], frames):
            if part.any():
                silent = False
                begin = sound.start + start
                stretch = slice(begin + extent(part).start, begin + len(part))
                yield Features(found.values[stretch], found.mask[stretch])
        if silent:
            yield Features(found.values[:frames], found.mask[:frames])


def read_example(example: Example, data: Path, *, hop_length: int = 160) -> np.ndarray:
    """An example's waveform, float32 `(samples,)`, from the corpus's files in `data`.

    Args:
        example: Which one.
        data: Folder of the corpus.
        hop_length: Of the front end, in samples; where several segments are joined it matters.
    """
    parts = [read_segment(segment, data, sample_rate=SAMPLE_RATE) for segment in example.segments]
    return _joined(parts, _ALIGNMENT * hop_length)


def _features(found: StoredFeatures, example: Example) -> Features:
    ids = [segment.id for segment in example.segments]
    values = _joined([found.values(clip) for clip in ids], _ALIGNMENT)
    return Features(values, _joined([found.mask(clip) for clip in ids], _ALIGNMENT))


def _degraded(
    store: Store,
    speakers: Mapping[str, str],
    chances: Mapping[str, float],
    number: int,
    clip: str,
) -> np.ndarray:
    """Copy `number` of a clip: what is drawn for it does not depend on other clips."""
    seed = int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "big")
    changes, voices = np.random.default_rng((seed, number)).spawn(2)
    # A corpus of one speaker has no babble of others.
    others = [other for other in speakers if speakers[other] != speakers[clip]] or list(speakers)

    def heard(count: int) -> list[np.ndarray]:
        return [store.audio(others[place]) for place in voices.integers(len(others), size=count)]

    return degraded(store.audio(clip), SAMPLE_RATE, changes, chances, heard)


def _joined(parts: list[np.ndarray], alignment: int) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    lengths = [-(-len(part) // alignment) * alignment for part in parts[:-1]] + [len(parts[-1])]
    result = np.zeros((sum(lengths), *parts[0].shape[1:]), parts[0].dtype)
    starts = np.cumsum([0, *lengths[:-1]])
    for start, part in zip(starts, parts, strict=True):
        result[start : start + len(part)] = part
    return result
