"""Clips of a store, by id."""

from pathlib import Path

import numpy as np

from recipes.common.store import layout
from recipes.common.store.array_file import ArrayFile
from recipes.common.store.front_end import front_end_hash
from recipes.common.store.index import read_index
from recipes.common.store.speed import length_at
from recipes.common.store.stored_features import StoredFeatures


class Store:
    """Reads what `build_store` has made; the files are mapped into memory, not loaded.

    It can be pickled, so a `keras.utils.PyDataset` with worker processes may hold it.

    Args:
        folder: The store.

    Attributes:
        folder: The store.
        sample_rate: Samples per second.
        ids: The clips, in the order of the manifest.

    Raises:
        FileNotFoundError: If there is no whole store.
        ValueError: If it is damaged.
    """

    def __init__(self, folder: Path):
        index = folder / layout.INDEX
        if not index.exists():
            raise FileNotFoundError(
                f"There is no whole store in '{folder}'. Build it: python -m recipes.common.store "
                f"--manifest FILE.csv --data DIR --out {folder}"
            )
        self.folder = folder
        self.sample_rate = layout.SAMPLE_RATE
        self._pieces = {source.id: piece for source, piece in read_index(index).items()}
        self.ids = tuple(self._pieces)
        samples = sum(piece.length for piece in self._pieces.values())
        self._audio = ArrayFile(folder / layout.AUDIO, samples)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.ids)

    def length(self, clip: str) -> int:
        """Number of samples of a clip."""
        return self._piece(clip).length

    def audio(self, clip: str) -> np.ndarray:
        """Samples of a clip, float32 between -1 and 1: `(samples,)`."""
        piece = self._piece(clip)
        samples = self._audio.array[piece.offset : piece.offset + piece.length]
        return samples.astype("float32") / layout.FULL_SCALE

    def features(self, log_mel, *, speed: float = 1.0) -> StoredFeatures:
        """The features that this front end has made, before normalisation.

        Args:
            log_mel: A `keras_reparam.audio.LogMel` with the settings that they were made with;
                its statistics do not matter.
            speed: How many times as fast the clips are heard.

        Raises:
            FileNotFoundError: If the store has none with these settings.
        """
        digest = front_end_hash(log_mel, speed)
        path = self.folder / layout.features_name(digest)
        if not path.exists():
            raise FileNotFoundError(
                f"The store '{self.folder}' has no features of this front end ({path.name}). Add "
                "them: build_store(..., log_mel=log_mel)"
            )
        lengths = {clip: length_at(p.length, speed) for clip, p in self._pieces.items()}
        frames = {clip: -(-length // log_mel.hop_length) for clip, length in lengths.items()}
        return StoredFeatures(path, self.folder / layout.mask_name(digest), frames)

    def _piece(self, clip: str):
        try:
            return self._pieces[clip]
        except KeyError:
            raise KeyError(f"The store '{self.folder}' has no clip '{clip}'") from None
