"""The quickstart's clips: waveforms, features, and batches for training."""

import dataclasses

import keras
import numpy as np
import soxr
from rich.console import Console
from rich.progress import track

from keras_reparam.audio import LogMel
from recipes.common.manifest import Segment, by_split, read_manifest, read_segment
from recipes.quickstart.settings import Settings

SAMPLE_RATE = 16000
# Clips are padded to a multiple of this before the front end, so that a backend that compiles for
# every shape does so a few times. Frames of zeros alone are cut off again.
_BLOCK = SAMPLE_RATE


@dataclasses.dataclass(frozen=True)
class Clip:
    """A segment with its samples and its class."""

    segment: Segment
    samples: np.ndarray
    label: int


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The clips of each split, and the class names in the order of the classes."""

    labels: tuple[str, ...]
    train: list[Clip]
    validation: list[Clip]
    test: list[Clip]

    def splits(self) -> dict[str, list[Clip]]:
        """The clips by the split's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def load_corpus(settings: Settings, console: Console) -> Corpus:
    """Reads the manifest and the audio. No speaker is in two splits, or a `ValueError`."""
    if not settings.data.is_dir():
        raise FileNotFoundError(
            f"There is no folder '{settings.data}' with the quickstart's clips. It is part of the "
            "repository: recipes/data/emodb4."
        )
    splits = by_split(read_manifest(settings.data / "emodb4.csv"))
    labels = tuple(sorted({s.label for segments in splits.values() for s in segments}))
    chosen = {name: _limited(segments, settings.limit) for name, segments in splits.items()}
    missing = set(labels) - {s.label for s in chosen["train"]}
    if missing:
        raise ValueError(f"Every emotion must occur in training. Received: no {sorted(missing)}")
    clips: dict[str, list[Clip]] = {name: [] for name in chosen}
    todo = [(name, segment) for name, segments in chosen.items() for segment in segments]
    for name, segment in _track(todo, "Reading clips", console):
        samples = read_segment(segment, settings.data, sample_rate=SAMPLE_RATE)
        clips[name].append(Clip(segment, samples, labels.index(segment.label)))
    return Corpus(labels, **clips)


def _limited(segments: list[Segment], limit: int | None) -> list[Segment]:
    """At most `limit` segments of each label, evenly spaced, so that all speakers come along."""
    if limit is None:
        return segments
    kept = []
    for label in sorted({segment.label for segment in segments}):
        found = [segment for segment in segments if segment.label == label]
        count = min(limit, len(found))
        kept += [found[i] for i in np.linspace(0, len(found) - 1, count).round().astype(int)]
    return kept


@dataclasses.dataclass(frozen=True)
class Features:
    """Log-mel features `(frames, mels)` of one waveform, and its mask `(frames,)`."""

    values: np.ndarray
    mask: np.ndarray


def features_of(log_mel: LogMel, samples: np.ndarray) -> Features:
    """What `log_mel` gives for a waveform, without the invalid frames after its last sound."""
    padded = np.pad(samples, (0, -len(samples) % _BLOCK))[None].astype("float32")
    mask = np.asarray(keras.ops.convert_to_numpy(log_mel.compute_mask(padded)))[0]
    values = np.asarray(keras.ops.convert_to_numpy(log_mel(padded)))[0]
    frames = 1 + int(np.flatnonzero(mask).max(initial=0))
    return Features(values[:frames], mask[:frames])


def training_features(
    corpus: Corpus, log_mel: LogMel, settings: Settings, console: Console
) -> list[list[Features]]:
    """Features before normalisation of every training clip at every speed; adapts `log_mel`.

    The mean and standard deviation are those of the training clips at their own speed.
    """
    found = [
        [features_of(log_mel, at_speed(clip.samples, speed)) for speed in settings.speeds]
        for clip in _track(corpus.train, "Log-mel features", console)
    ]
    own = [of_clip[settings.speeds.index(1.0)] for of_clip in found]
    log_mel.adapt(np.concatenate([features.values[features.mask] for features in own])[None])
    return found


def at_speed(samples: np.ndarray, speed: float) -> np.ndarray:
    """The waveform played `speed` times as fast, with its pitch."""
    if speed == 1:
        return samples
    return soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="HQ")


def with_gain(features: np.ndarray, decibels: float, log_offset: float) -> np.ndarray:
    """Log-mel features of the waveform made louder, exactly: no need to compute them again."""
    power = np.maximum(np.exp(features) - log_offset, 0) * 10 ** (decibels / 10)
    return np.log(power + log_offset)


def shifted(features: np.ndarray, bands: int) -> np.ndarray:
    """Features moved up by some mel bands, the outermost one repeated: another vocal tract."""
    mels = features.shape[1]
    return features[:, np.clip(np.arange(mels) - bands, 0, mels - 1)]


class TrainingBatches(keras.utils.PyDataset):
    """Batches `((features, mask), classes, weights)`, in another order in every epoch.

    A clip comes at a random speed, loudness and height; of one longer than the window a random
    stretch. The rarer a class, the more its clips weigh.

    Args:
        features: What `training_features` gave.
        log_mel: The front end that it adapted; normalises them.
        truth: `(clips,)`: class indices.
        num_classes: Number of classes.
        settings: The recipe.
    """

    def __init__(self, features, log_mel: LogMel, truth, num_classes: int, settings: Settings):
        super().__init__()
        self._features, self._truth = features, np.asarray(truth)
        self._log_offset = log_mel.log_offset
        self._mean = np.asarray(keras.ops.convert_to_numpy(log_mel.mean))
        self._std = np.asarray(keras.ops.convert_to_numpy(log_mel.std))
        self._targets = np.eye(num_classes, dtype="float32")
        counts = np.bincount(self._truth, minlength=num_classes)
        self._weights = (len(self._truth) / num_classes / np.maximum(counts, 1)).astype("float32")
        self._settings = settings
        self._epoch = 0
        self._shuffle()

    def __len__(self):
        return -(-len(self._truth) // self._settings.batch_size)

    def __getitem__(self, index):
        size = self._settings.batch_size
        clips = self._order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._settings.seed, self._epoch, index))
        features, mask = zip(*(self._window(clip, rng) for clip in clips), strict=True)
        targets = self._targets[self._truth[clips]]
        return (np.stack(features), np.stack(mask)), targets, targets @ self._weights

    def on_epoch_end(self):
        self._epoch += 1
        self._shuffle()

    def _shuffle(self):
        rng = np.random.default_rng((self._settings.seed, self._epoch))
        self._order = rng.permutation(len(self._truth))

    def _window(self, clip: int, rng) -> tuple[np.ndarray, np.ndarray]:
        versions = self._features[clip]
        found = versions[rng.integers(len(versions))]
        frames = self._settings.frames
        start = rng.integers(max(len(found.mask) - frames, 0) + 1)
        values, mask = (part[start : start + frames] for part in (found.values, found.mask))
        gain, bands = self._settings.gain, self._settings.shift
        values = with_gain(values, rng.uniform(-gain, gain), self._log_offset)
        values = shifted((values - self._mean) / self._std, rng.integers(-bands, bands + 1))
        after = frames - len(mask)
        return np.pad(values, ((0, after), (0, 0))), np.pad(mask, (0, after))


def _track(items: list, description: str, console: Console):
    return track(
        items, description, console=console, transient=True, disable=not console.is_terminal
    )
