"""Random stretches of training clips, each heard a little differently every time."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from keras_reparam.audio import LogMel
from recipes.common.features import Features, Normalization
from recipes.common.settings import TrainingSettings


def with_gain(features: np.ndarray, decibels: float, log_offset: float) -> np.ndarray:
    """Log-mel features of the waveform made louder, exactly: no need to compute them again."""
    power = np.maximum(np.exp(features) - log_offset, 0) * 10 ** (decibels / 10)
    return np.log(power + log_offset)


def shifted(features: np.ndarray, bands: int) -> np.ndarray:
    """Features moved up by some mel bands, the outermost one repeated: another vocal tract."""
    mels = features.shape[1]
    return features[:, np.clip(np.arange(mels) - bands, 0, mels - 1)]


def at_tempo(values: np.ndarray, mask: np.ndarray, tempo: float) -> tuple[np.ndarray, np.ndarray]:
    """Features and mask of the clip spoken `tempo` times as fast, by linear interpolation."""
    last = len(values) - 1
    where = np.linspace(0, last, max(round(len(values) / tempo), 1))
    before = where.astype(int)
    share = (where - before)[:, None].astype(values.dtype)
    after = values[np.minimum(before + 1, last)]
    return values[before] * (1 - share) + after * share, mask[np.rint(where).astype(int)]


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """How a clip is heard once: of which length, in frames or samples, version and tempo."""

    clip: int
    length: int
    version: int = 0
    tempo: float = 1.0


class FeatureWindows:
    """Stretches `(features, mask)` of clips' features, normalised.

    A clip comes at a random one of its versions, tempo, loudness and height; of one longer than
    the window a random stretch.

    Args:
        features: Of each clip its versions, before normalisation.
        log_mel: The front end, adapted; as it normalises.
        settings: The recipe.

    Attributes:
        length: Frames of the window.
        any_length: That shorter stretches need not be filled up to it.
    """

    any_length = True

    def __init__(
        self,
        features: Sequence[Sequence[Features]],
        log_mel: LogMel,
        settings: TrainingSettings,
    ):
        self._features, self._settings = features, settings
        self._log_offset = log_mel.log_offset
        # Where a clip's level is taken out, another one would be, too.
        self._louder = not log_mel.level_normalization
        self._normalized = Normalization(log_mel)
        self.length = settings.frames
        self._frames = [[len(version.mask) for version in versions] for versions in features]

    def stretch(self, clip: int, rng: np.random.Generator) -> Stretch:
        """A version and a tempo."""
        frames, change = self._frames[clip], self._settings.tempo
        version = int(rng.integers(len(frames)))
        tempo = rng.uniform(1 - change, 1 + change) if change else 1.0
        taken = min(frames[version], self._taken(tempo))
        return Stretch(clip, max(round(taken / tempo), 1), version, tempo)

    def draw(self, stretch: Stretch, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Features `(frames, mels)` and mask `(frames,)`, as long as `stretch` says."""
        settings, tempo = self._settings, stretch.tempo
        found = self._features[stretch.clip][stretch.version]
        frames = self._taken(tempo)
        start = rng.integers(max(len(found.mask) - frames, 0) + 1)
        values, mask = (part[start : start + frames] for part in (found.values, found.mask))
        values = values.astype("float32")
        gain, bands = settings.gain, settings.shift
        decibels = rng.uniform(-gain, gain)
        if self._louder:
            values = with_gain(values, decibels, self._log_offset)
        values = shifted(self._normalized(values, mask), rng.integers(-bands, bands + 1))
        return (values, mask) if tempo == 1 else at_tempo(values, mask, tempo)

    def _taken(self, tempo: float) -> int:
        """Frames that become a whole window."""
        return max(int(self.length * tempo), 1)


class WaveformWindows:
    """Stretches `(waveform,)` of clips; what is changed in them is changed by the model.

    Args:
        samples: Gives a clip's waveform `(samples,)`.
        size: Samples of a window.

    Attributes:
        length: Samples of the window.
        any_length: That all are filled up to it: what changes them needs it.
    """

    any_length = False

    def __init__(self, samples: Callable[[int], np.ndarray], size: int):
        self._samples, self.length = samples, size

    def stretch(self, clip: int, rng: np.random.Generator) -> Stretch:
        """Of the length of the window: the clip is not read to know its own."""
        return Stretch(clip, self.length)

    def draw(self, stretch: Stretch, rng: np.random.Generator) -> tuple[np.ndarray]:
        """A waveform, at most as long as the window."""
        samples = self._samples(stretch.clip)
        start = rng.integers(max(len(samples) - self.length, 0) + 1)
        return (samples[start : start + self.length],)
