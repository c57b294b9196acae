"""Batches for training."""

import threading
import time
from collections.abc import Sequence

import keras
import numpy as np

from recipes.common.padding import stacked
from recipes.common.protocol.task import Task, Value
from recipes.common.settings import TrainingSettings
from recipes.common.teacher.lessons import Lessons
from recipes.common.training.mixing import mix, mixed
from recipes.common.training.windows import FeatureWindows, Stretch, WaveformWindows

# So many batches are sorted by length at a time, and short ones are then filled up to one of so
# many lengths alone: XLA compiles a step for each.
_SORTED_BATCHES, _LENGTHS = 8, 8


class TrainingBatches(keras.utils.PyDataset):
    """Batches `(inputs, targets, weights)`, in another order in every epoch; `start_at` says which.

    Clips of about the same length come together, and the batch is no longer than they are: what
    fills up a window costs as much time as speech.

    Until `start_at` was called, the second batch is a frame longer than the window. Keras looks at
    the first two then, and takes a dimension in which they agree for one that never changes.

    What is in a batch depends on the seed, the epoch and the batch's number alone, not on what
    was drawn before: a run that goes on from a later epoch sees what an unbroken one sees.

    Args:
        windows: What gives a stretch of a clip.
        truth: What is true of each clip: of classes the index.
        task: What is to be learnt.
        settings: The recipe.
        shared: Whether several devices share each batch. Then the clips of an epoch that do not
            fill one are left out of it.
        lessons: A teacher's, of each clip: its features are a further input, and its
            probabilities a share of the target.

    Attributes:
        clips: Clips in an epoch.
        seconds: Time spent on making batches so far.
    """

    def __init__(
        self,
        windows: FeatureWindows | WaveformWindows,
        truth: Sequence[Value],
        task: Task,
        settings: TrainingSettings,
        *,
        shared: bool = False,
        lessons: Lessons | None = None,
    ):
        super().__init__()
        size = settings.batch_size
        if shared and len(truth) < size:
            raise ValueError(
                f"The {len(truth)} training clips do not fill a batch, and batches that are not "
                f"full are left out here. Received: batch_size={size}"
            )
        self._windows, self._targets = windows, task.targets(truth)
        self._rarity = task.rarity(truth)
        self._settings = settings
        self._drawn = len(self._targets)
        self.clips = self._drawn // size * size if shared else self._drawn
        # On several devices TensorFlow asks for a batch before it is done with the last epoch's.
        self._lock = threading.Lock()
        self._shared, self._lessons = shared, lessons
        self.seconds = 0.0
        self._started = False
        self._start_at(0)

    def __len__(self):
        return -(-self.clips // self._settings.batch_size)

    def __getitem__(self, index):
        with self._lock:
            return self._batch(index)

    def _batch(self, index):
        start = time.perf_counter()
        stretches = self._stretches[index]
        clips = np.array([stretch.clip for stretch in stretches])
        # NumPy takes (seed, epoch) for (seed, epoch, 0), which gives the order.
        rng = np.random.default_rng((self._settings.seed, self._epoch, index + 1))
        drawn = zip(*(self._windows.draw(stretch, rng) for stretch in stretches), strict=True)
        length = self._length(stretches, index)
        inputs = tuple(stacked(arrays, length) for arrays in drawn)
        targets = self._targets[clips]
        weights = np.ones(len(clips), "float32")
        if self._settings.class_balance == "weights":
            weights = self._rarity[clips]
        features = []
        if self._lessons is not None:
            lesson = self._lessons.of(clips)
            targets, features = lesson.mixed_into(targets), [lesson.features]
        if self._settings.mixup:
            order, alpha = rng.permutation(len(clips)), self._settings.mixup
            share = rng.beta(alpha, alpha, len(clips)).astype("float32")
            inputs, targets, weights = mixed(inputs, targets, weights, order, share)
            features = [mix(values, order, share) for values in features]
        if self._shared and len(inputs) > 1:
            # TensorFlow adds up what the devices get, once, and can't do so with truth values; the
            # model makes them such again.
            inputs = inputs[0], inputs[1].astype("float32")
        inputs = (*inputs, *features)
        self.seconds += time.perf_counter() - start
        return inputs if len(inputs) > 1 else inputs[0], targets, weights

    def start_at(self, epoch: int) -> None:
        """Makes the batches those of `epoch`, counted from 0."""
        with self._lock:
            self._started = True
            self._start_at(epoch)

    def _start_at(self, epoch):
        self._epoch = epoch
        rng = np.random.default_rng((self._settings.seed, self._epoch))
        if self._settings.class_balance == "sampling":
            rarity = self._rarity.astype("float64")
            order = rng.choice(self._drawn, size=self._drawn, p=rarity / rarity.sum())
        else:
            order = rng.permutation(self._drawn)
        heard = [self._windows.stretch(clip, rng) for clip in order[: self.clips]]
        size = self._settings.batch_size
        sorted_at_a_time, batches = size * _SORTED_BATCHES, []
        for start in range(0, len(heard), sorted_at_a_time):
            some = sorted(heard[start : start + sorted_at_a_time], key=lambda each: each.length)
            batches += [some[at : at + size] for at in range(0, len(some), size)]
        self._stretches = [batches[number] for number in rng.permutation(len(batches))]

    def _length(self, stretches: list[Stretch], index: int) -> int:
        whole = self._windows.length
        # Of a single batch Keras sees one length.
        if not self._windows.any_length or len(self) == 1:
            return whole
        if not self._started:
            return whole + index % 2
        step = -(-whole // _LENGTHS)
        longest = max(stretch.length for stretch in stretches)
        return min(-(-longest // step) * step, whole)
