"""Classifies one clip in every condition."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import keras_reparam as kr
from keras_reparam.audio import load
from recipes.common.manifest import Segment
from recipes.common.perturbations.level import sixteen_bits
from recipes.robustness.clips import Clips
from recipes.robustness.condition import Condition
from recipes.robustness.scene import Scene, generator

# What is said of a clip that is silence to the classifier, or of no class.
NONE = -1


class Listener:
    """A classifier, and the clips that it hears.

    What is drawn at random depends on seed, clip and condition alone: neither on other conditions
    nor on who hears what in which order.

    Args:
        model: A `.tflite` file.
        clips: The clips.
        conditions: What is done to them.
        seed: Of all that is random.
        silence_decibels: As `kr.load_classifier` takes it.
    """

    def __init__(
        self,
        model: Path,
        clips: Clips,
        conditions: Sequence[Condition],
        *,
        seed: int,
        silence_decibels: float,
    ):
        self._classifier = kr.load_classifier(model, silence_decibels=silence_decibels)
        self._clips, self._conditions, self._seed = clips, conditions, seed
        # Voices and recordings come again and again.
        self._read = functools.lru_cache(maxsize=256)(self._read_segment)
        self._load = functools.lru_cache(maxsize=64)(self._load_file)

    def classes(self, number: int) -> list[int]:
        """The class of a clip as it is, then in every condition; `NONE` where it gives none.

        Raises:
            ValueError: If the clip can't be read, or is too short.
        """
        segment = self._clips.segments[number]
        samples = self._read_segment(segment)
        try:
            found = [self._class_of(samples)]
            for condition in self._conditions:
                scene = self._scene(segment, condition)
                # What comes out of a microphone or a file is clipped and rounded.
                found.append(self._class_of(sixteen_bits(condition.apply(samples, scene))))
        except ValueError as error:
            raise ValueError(f"'{segment.id}': {error}") from error
        return found

    def _class_of(self, samples: np.ndarray) -> int:
        found = self._classifier.classify(samples, self._classifier.sample_rate)
        return NONE if found.label is None else self._classifier.labels.index(found.label)

    def _scene(self, segment: Segment, condition: Condition) -> Scene:
        rng = generator(self._seed, segment.id, condition.name)

        def voices(count: int) -> list[np.ndarray]:
            return [self._read(each) for each in self._others(segment.speaker, count, rng)]

        def recording(kind: str) -> np.ndarray:
            files = self._clips.recordings[kind]
            return self._load(files[rng.integers(len(files))])

        return Scene(self._classifier.sample_rate, rng, voices, recording)

    def _others(self, speaker: str, count: int, rng: np.random.Generator) -> list[Segment]:
        """So many clips of other speakers: of each one, then of each a second one, and so on."""
        others = [name for name in self._clips.speech if name != speaker]
        turns = [others[i] for i in rng.permutation(len(others))]
        chosen = [turns[i % len(turns)] for i in range(count)]
        found = (self._clips.speech[name] for name in chosen)
        return [segments[rng.integers(len(segments))] for segments in found]

    def _read_segment(self, segment: Segment) -> np.ndarray:
        return self._clips.read(segment, sample_rate=self._classifier.sample_rate)

    def _load_file(self, path: Path) -> np.ndarray:
        return load(path, sample_rate=self._classifier.sample_rate)
