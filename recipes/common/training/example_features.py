"""Examples as training and validation see them."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_reparam.audio import LogMel
from recipes.common.corpus import Corpus
from recipes.common.features import Features, Normalization
from recipes.common.padding import stacked
from recipes.common.protocol.fold import Example


class ExampleFeatures(Sequence):
    """The features of examples and of their copies, read when asked for, for `FeatureWindows`.

    Args:
        corpus: Where they are read from.
        examples: Which ones.
        speeds: At which speeds they are heard.
    """

    def __init__(self, corpus: Corpus, examples: Sequence[Example], speeds: Sequence[float]):
        self._corpus, self._examples, self._speeds = corpus, examples, speeds

    def __len__(self):
        return len(self._examples)

    def __getitem__(self, number):
        example = self._examples[number]
        own = [self._corpus.features(example, speed=speed) for speed in self._speeds]
        return own + self._corpus.copies(example)


class ExampleWindows(keras.utils.PyDataset):
    """Batches `((features, mask),)` of all windows of examples, one example after another.

    All batches are of one size, so that the model is compiled once, and that several devices can
    share each: the last one repeats its last window until it is full.

    Args:
        corpus: Where they are read from.
        examples: Which ones.
        log_mel: The front end, adapted.
        frames: Length of a window.
        batch_size: Windows in a batch.

    Attributes:
        owners: `(windows,)`: the example that each window belongs to.
        weights: `(windows,)`: what each window weighs: its valid frames.
    """

    def __init__(
        self,
        corpus: Corpus,
        examples: Sequence[Example],
        log_mel: LogMel,
        frames: int,
        batch_size: int,
    ):
        super().__init__()
        self._normalized = Normalization(log_mel)
        self._frames, self._batch_size = frames, batch_size
        # Views of the store's files where an example is one segment: a few bytes each.
        self._windows: list[Features] = []
        owners = []
        for number, example in enumerate(examples):
            found = list(corpus.windows(example, frames))
            self._windows += found
            owners += [number] * len(found)
        self.owners = np.array(owners)
        self.weights = np.array([max(1, found.mask.sum()) for found in self._windows])

    def __len__(self):
        return -(-len(self._windows) // self._batch_size)

    def __getitem__(self, index):
        chosen = self._windows[index * self._batch_size : (index + 1) * self._batch_size]
        chosen += chosen[-1:] * (self._batch_size - len(chosen))
        mask = stacked([found.mask for found in chosen], self._frames)
        values = stacked([found.values for found in chosen], self._frames)
        return ((self._normalized(values, mask), mask),)
