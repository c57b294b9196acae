"""Clips on disk as the inputs of a model: to calibrate and to verify."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_reparam.audio.clip_file import ClipFile
from keras_reparam.audio.clips import evenly_spaced

SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au"}
# What phones and browsers record.
SUFFIXES |= {".caf", ".m4a", ".mp4", ".aac", ".3gp", ".amr", ".webm", ".mka", ".wma"}


def find_clips(source: str | os.PathLike) -> list[ClipFile]:
    """The audio files of a folder (and its subfolders), or the clips of a CSV.

    A CSV has the column `path`, and may have `start` and `end`, seconds inside the file.

    Args:
        source: A folder, or a CSV file whose paths are absolute or relative to its own folder.

    Returns:
        Clips, at least one, in the order of the CSV, or of their names.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If there are no audio files, or the CSV has no column `path`, or times that
            are no seconds.
    """
    source = Path(source)
    if source.is_dir():
        clips = sorted(ClipFile(p) for p in source.rglob("*") if p.suffix.lower() in SUFFIXES)
    elif source.suffix.lower() == ".csv":
        clips = [ClipFile.of_row(row, source.parent) for row in _rows(source)]
    elif source.exists():
        raise ValueError(f"Expected a folder of clips or a .csv file. Received: '{source}'")
    else:
        raise FileNotFoundError(f"There is no folder or CSV of clips '{source}'")
    if not clips:
        raise ValueError(f"There are no audio files in '{source}'.")
    return clips


def find_labels(source: str | os.PathLike, outputs: Sequence[str] = ()) -> list[str] | None:
    """What a CSV says is true of each clip of `find_clips`; `None` where it says nothing.

    Args:
        source: As `find_clips` takes it.
        outputs: Names of a model's outputs. If it is one alone, a column of its name is read where
            there is no column `label`.
    """
    source = Path(source)
    if not source.is_file() or source.suffix.lower() != ".csv":
        return None
    rows = _rows(source)
    columns = ["label", *(outputs if len(outputs) == 1 else ())]
    column = next((name for name in columns if rows and name in rows[0]), None)
    return None if column is None else [row[column] for row in rows]


def _rows(source: Path) -> list[dict[str, str]]:
    """The rows of a CSV that name a clip."""
    with source.open(newline="", encoding="utf-8-sig") as file:
        try:
            rows = csv.DictReader(file)
            if "path" not in (rows.fieldnames or ()):
                raise ValueError(
                    f"A CSV of clips must have a column `path`. Received: '{source}' with the "
                    f"columns {rows.fieldnames}"
                )
            return [row for row in rows if row["path"]]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"'{source}' is no CSV file: {error}") from error


def load_clips(source: str | os.PathLike, *, window: int, sample_rate: int) -> np.ndarray:
    """At most 200 clips, evenly spaced over those of `find_clips`, cut or zero-padded.

    Args:
        source: A folder or a CSV file.
        window: Samples of each clip.
        sample_rate: Samples per second.

    Returns:
        float32 array `(clips, window)`.
    """
    clips = find_clips(source)
    chosen = evenly_spaced(len(clips))
    return np.stack([clips[i].load(window=window, sample_rate=sample_rate) for i in chosen])


def load_array(path: str | os.PathLike) -> np.ndarray:
    """Inputs of a model, `(clips, ...)`, from a `.npy` file.

    Args:
        path: What `numpy.save` wrote.

    Returns:
        The array.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds no array of numbers.
    """
    try:
        # Pickled objects could run code.
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"'{path}' holds no array of numbers: {error}") from None
    if not isinstance(found, np.ndarray):
        raise ValueError(f"'{path}' is an archive of arrays. Save one array with `numpy.save`.")
    return found
