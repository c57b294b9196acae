"""Log-mel features of a store's audio."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from rich.console import Console

from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.progress import track
from keras_reparam.audio import LogMel
from recipes.common.store import layout
from recipes.common.store.front_end import front_end_config, front_end_hash, front_end_text
from recipes.common.store.growing_array import GrowingArray, first_byte
from recipes.common.store.index import Piece, one_after_another, read_index
from recipes.common.store.reading import as_int16
from recipes.common.store.speed import at_speed
from recipes.common.store.store import Store

# Clips are cut into blocks of this many frames, overlapping by what the last window needs, and
# computed this many blocks at a time: one shape alone, so backends compile once, and clips of any
# length take the same memory. A frame depends on its own window, and on its clip's DC offset, only.
_FRAMES = 64
_BLOCKS = 128


def build_features(folder: Path, log_mel: LogMel, console: Console, *, speed: float = 1.0) -> None:
    """Adds `log_mel`'s features before normalisation, and their mask, unless they are there.

    Args:
        folder: The store, with its audio.
        log_mel: The front end; its statistics do not matter.
        console: Where to draw the progress bar.
        speed: How many times as fast the clips are heard.
    """
    digest = front_end_hash(log_mel, speed)
    if (folder / layout.features_name(digest)).exists():
        return
    (folder / layout.UNFINISHED).mkdir(exist_ok=True)
    pieces = list(read_index(folder / layout.INDEX).values())
    source = folder / layout.AUDIO
    if speed != 1:
        source, pieces = _resampled(folder, speed, console)
    about = json.loads(front_end_text(log_mel, speed))
    compute_features(folder, digest, source, pieces, log_mel, about, console)


def compute_features(
    folder: Path,
    digest: str,
    source: Path,
    pieces: Sequence[Piece],
    log_mel: LogMel,
    about: Mapping[str, Any],
    console: Console,
) -> None:
    """Computes features before normalisation, and masks; goes on where it was stopped.

    Args:
        folder: The store, which has a folder for what is unfinished; its lock must be held.
        digest: What the features are named by.
        source: The `.npy` file of the audio.
        pieces: Where each clip lies in it.
        log_mel: The front end; its statistics do not matter.
        about: What is written beside the features.
        console: Where to draw the progress bar.
    """
    unfinished = folder / layout.UNFINISHED
    progress = unfinished / f"features-{digest}.progress"
    values_path = unfinished / layout.features_name(digest)
    mask_path = unfinished / layout.mask_name(digest)

    blocks = _Blocks(pieces, log_mel)
    done = int(progress.read_text()) if progress.exists() else 0
    try:
        values, mask = _arrays(values_path, mask_path, log_mel.num_mels, blocks.rows_before(done))
    except ValueError:
        # Killed after one of the two files had reached its place.
        done = 0
        values, mask = _arrays(values_path, mask_path, log_mel.num_mels, 0)
    with values, mask, source.open("rb") as audio:
        first = first_byte(audio)
        saved = time.monotonic()
        for number in track(range(done, len(blocks)), "Computing features", console):
            for array, rows in zip(
                (values, mask), blocks.compute(audio, first, number), strict=True
            ):
                array.append(rows)
            if time.monotonic() - saved >= layout.COMMIT_SECONDS:
                values.sync()
                mask.sync()
                write_bytes(progress, str(number + 1).encode())
                saved = time.monotonic()
        values.finish()
        mask.finish()
    settings = unfinished / layout.settings_name(digest)
    write_bytes(settings, (json.dumps(about, sort_keys=True, indent=1) + "\n").encode())
    # The features last: where they are, the others are.
    for path in (settings, mask_path, values_path):
        os.replace(path, folder / path.name)


def _resampled(folder: Path, speed: float, console: Console) -> tuple[Path, Sequence[Piece]]:
    """All clips at a speed, one after another in a file, and where each lies."""
    store, path = Store(folder), folder / layout.UNFINISHED / f"audio-{speed}.npy"
    lengths = {}
    with GrowingArray(path, "int16") as audio:
        for clip in track(store.ids, f"Resampling, {speed} x the speed", console):
            samples = as_int16(at_speed(store.audio(clip), speed))
            audio.append(samples)
            lengths[clip] = len(samples)
        audio.finish()
    return path, list(one_after_another(lengths).values())


def _arrays(
    values: Path, mask: Path, num_mels: int, rows: int
) -> tuple[GrowingArray, GrowingArray]:
    first = GrowingArray(values, "float16", row_shape=(num_mels,), rows=rows)
    try:
        return first, GrowingArray(mask, "bool", rows=rows)
    except BaseException:
        first.close()
        raise


class _Blocks:
    """Audio of clips as batches of blocks of `_FRAMES` frames, in its order.

    Args:
        pieces: Where each clip lies.
        log_mel: The front end; its statistics do not matter.
    """

    def __init__(self, pieces: Sequence[Piece], log_mel: LogMel):
        # Of a block it would be the block's offset; the clip's is subtracted before.
        config = {**front_end_config(log_mel), "remove_dc_offset": False}
        # Not adapted: what it gives is not normalised.
        self._log_mel = LogMel.from_config(config)
        self._offset_removed = log_mel.remove_dc_offset
        self._pieces = pieces
        hop = log_mel.hop_length
        # The last frame's window ends at most `fft_length` samples after its begin.
        self._width = (_FRAMES - 1 + -(-log_mel.fft_length // hop)) * hop
        lengths = np.array([piece.length for piece in pieces])
        frames = -(-lengths // hop)
        counts = -(-frames // _FRAMES)
        clips = np.repeat(np.arange(len(pieces)), counts)
        # Which of its clip's blocks each one is.
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        offsets = np.array([piece.offset for piece in pieces])
        self._clips = clips
        self._starts = offsets[clips] + within * _FRAMES * hop
        self._ends = np.minimum((offsets + lengths)[clips], self._starts + self._width)
        self._frames = np.minimum(frames[clips] - within * _FRAMES, _FRAMES)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._frames) // _BLOCKS)

    def rows_before(self, number: int) -> int:
        """How many frames the batches before this one have."""
        return int(self._frames[: number * _BLOCKS].sum())

    def compute(self, audio: BinaryIO, first: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Features `(frames, mels)`, float16, and mask `(frames,)` of one batch.

        Args:
            audio: The `.npy` file of the clips.
            first: Where its samples begin, in bytes.
            number: Which batch.
        """
        chosen = slice(number * _BLOCKS, (number + 1) * _BLOCKS)
        starts, ends = self._starts[chosen], self._ends[chosen]
        # Clips lie one after another: one stretch of the file holds them all.
        audio.seek(first + 2 * int(starts[0]))
        samples = np.frombuffer(audio.read(2 * int(ends.max() - starts[0])), "int16")
        waveforms = np.zeros((_BLOCKS, self._width), "float32")
        for row, start, end in zip(waveforms, starts - starts[0], ends - starts[0], strict=False):
            row[: end - start] = samples[start:end]
        waveforms /= layout.FULL_SCALE
        mask = keras.ops.convert_to_numpy(self._log_mel.compute_mask(waveforms))
        if self._offset_removed:
            means = self._offsets(audio, first, self._clips[chosen])
            waveforms[: len(means)] -= means[:, None] * (waveforms[: len(means)] != 0)
        values = keras.ops.convert_to_numpy(self._log_mel(waveforms))
        # Beyond these a block repeats the next one, or its clip has ended.
        own = np.zeros(mask.shape, bool)
        own[: len(starts)] = np.arange(mask.shape[1]) < self._frames[chosen][:, None]
        return values[own].astype("float16"), np.asarray(mask[own], bool)

    def _offsets(self, audio: BinaryIO, first: int, clips: np.ndarray) -> np.ndarray:
        """The mean of the nonzero samples of each of these clips, float32."""
        numbers, where = np.unique(clips, return_inverse=True)
        means = []
        for piece in (self._pieces[number] for number in numbers):
            audio.seek(first + 2 * piece.offset)
            samples = np.frombuffer(audio.read(2 * piece.length), "int16")
            means.append(samples.sum(dtype="int64") / max(np.count_nonzero(samples), 1))
        return (np.array(means) / layout.FULL_SCALE).astype("float32")[where]
