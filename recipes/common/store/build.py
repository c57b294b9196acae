"""From a manifest to a store."""

import contextlib
import dataclasses
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.lock import exclusive
from recipes.common.files.rows import write_rows
from recipes.common.manifest import Segment
from recipes.common.store import layout
from recipes.common.store.front_end import front_end_hash
from recipes.common.store.growing_array import GrowingArray, first_byte, int16_blocks
from recipes.common.store.index import (
    Piece,
    Source,
    Unreadable,
    one_after_another,
    read_index,
    sources_of,
    write_index,
)
from recipes.common.store.read_log import ReadLog
from recipes.common.store.reading import read_clips
from recipes.common.store.store import Store

# How many of the clips that can't be read an error names.
_NAMED = 3


def build_store(
    segments: Sequence[Segment],
    data: Path,
    folder: Path,
    *,
    log_mel=None,
    skip_unreadable: bool = False,
    console: Console | None = None,
) -> Store:
    """Reads the segments' audio once, and computes their features once.

    What is there already is not done again. After a kill, Ctrl-C or a full disk the next call
    continues, and ends with the same bytes as an unbroken one. Where segments were added or
    removed, or files have another size or time of change, only what is new is read; the features
    are then computed anew. Each file appears under its name when it is whole.

    Samples are rounded to 16 bits: the error is at most half of 1/32768, and 1/32768 at +1.
    Features are made from the rounded samples. float16 keeps 11 bits: between 8 and 16, where
    the logarithms of quiet bands lie, the error is at most 1/256.

    Args:
        segments: The manifest's rows.
        data: Folder that their paths are relative to.
        folder: The store; made if it isn't there.
        log_mel: A `keras_reparam.audio.LogMel` whose features before normalisation to add; its
            statistics do not matter. `None`: audio alone.
        skip_unreadable: Leave out clips that can't be read, instead of raising an error in the
            end. They are listed in `unreadable.csv` either way.
        console: Where to report, standard error by default; a progress bar is drawn if it is a
            terminal.

    Returns:
        The store, open.

    Raises:
        BlockingIOError: If another process is writing this store.
        OSError: If a folder is not there, or the disk is full.
        ValueError: If a clip can't be read, or the front end has another sample rate than 16 kHz.
    """
    console = console or Console(stderr=True)
    if log_mel is not None and log_mel.sample_rate != layout.SAMPLE_RATE:
        raise ValueError(
            f"A store's audio has {layout.SAMPLE_RATE} samples per second, and the front end must "
            f"have the same `sample_rate`. Received: sample_rate={log_mel.sample_rate}"
        )
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder '{data}' with the corpus's audio.")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"A store is a folder. Received a file: '{folder}'")
    folder.mkdir(parents=True, exist_ok=True)
    needed = (
        f"the store '{folder}' (an hour of speech takes 0.12 GB, its features 0.05 GB, and while "
        "clips are added the audio twice that)"
    )
    with exclusive(folder), explaining_a_full_disk(needed):
        _build_audio(segments, data, folder, skip_unreadable, console)
        if log_mel is not None:
            # Keras is imported where it is needed alone.
            from recipes.common.store.features import build_features

            build_features(folder, log_mel, console)
        shutil.rmtree(folder / layout.UNFINISHED, ignore_errors=True)
    return Store(folder)


def add_speeds(folder: Path, log_mel, speeds: Sequence[float], console: Console) -> None:
    """Adds to a store the features of its clips at these speeds, unless they are there.

    Another process that is doing so is waited for.
    """
    names = {speed: layout.features_name(front_end_hash(log_mel, speed)) for speed in speeds}
    if all((folder / name).exists() for name in names.values()):
        return
    from recipes.common.store.features import build_features

    needed = f"the features of '{folder}' (of an hour of speech 0.05 GB at each speed)"
    with exclusive(folder, patience=math.inf), explaining_a_full_disk(needed):
        for speed in speeds:
            build_features(folder, log_mel, console, speed=speed)
        shutil.rmtree(folder / layout.UNFINISHED, ignore_errors=True)


def _build_audio(
    segments: Sequence[Segment], data: Path, folder: Path, skip: bool, console: Console
) -> None:
    unfinished = folder / layout.UNFINISHED
    _finish_commit(folder)
    unfinished.mkdir(exist_ok=True)
    sources, unreadable = sources_of(segments, data)
    former = _former(folder)
    _undo_rename(unfinished)
    with ReadLog(unfinished) as log:
        known = {**log.pieces, **former}
        missing = [source for source in sources if source not in known]
        if 0 < len(missing) < len(sources):
            console.print(
                f"Reading {len(missing)} of {len(sources)} clips; the others are there already.",
                highlight=False,
            )
        for source, found in track(
            read_clips(missing, data, unfinished), "Reading audio", console, total=len(missing)
        ):
            if isinstance(found, Unreadable):
                unreadable[source.id] = found
            else:
                log.append(source, found)
        log.commit()
        good = [source for source in sources if source.id not in unreadable]
        _report(unreadable, len(good), folder, skip, console)
        if list(former) == good:
            log.delete()
            (unfinished / layout.AUDIO).unlink(missing_ok=True)
            return
        if list(log.pieces) == good:
            log.finish()
            pieces = log.pieces
        else:
            pieces = _joined(good, former, log, folder, console)
    if pieces is log.pieces:
        os.replace(log.path, unfinished / layout.AUDIO)
    # From here on it will be finished, by this run or the next one.
    write_index(unfinished / layout.INDEX, pieces)
    _finish_commit(folder)


def _former(folder: Path) -> dict[Source, Piece]:
    """The clips of the store as it is, if there is one."""
    try:
        Store(folder)
        return read_index(folder / layout.INDEX)
    except (OSError, ValueError):
        # None, or damaged: it is built anew.
        return {}


def _undo_rename(unfinished: Path) -> None:
    """Mends what a kill between the renaming of the log and the writing of the index leaves."""
    log, audio = unfinished / "read.npy", unfinished / layout.AUDIO
    if audio.exists() and not log.exists():
        os.replace(audio, log)


def _joined(
    good: list[Source], former: dict[Source, Piece], log: ReadLog, folder: Path, console: Console
) -> dict[Source, Piece]:
    """Writes audio in the manifest's order from the former store and the log."""
    log.finish()
    lengths = {}
    with contextlib.ExitStack() as stack:
        files = [(log.pieces, stack.enter_context(log.path.open("rb")))]
        if former:
            files.append((former, stack.enter_context((folder / layout.AUDIO).open("rb"))))
        target = folder / layout.UNFINISHED / layout.AUDIO
        joined = stack.enter_context(GrowingArray(target, "int16"))
        for source in track(good, "Joining audio", console):
            pieces, file = next(found for found in files if source in found[0])
            piece = pieces[source]
            samples = range(piece.offset, piece.offset + piece.length)
            for block in int16_blocks(file, first_byte(file), samples):
                joined.append(block)
            lengths[source] = piece.length
        joined.finish()
    return one_after_another(lengths)


def _finish_commit(folder: Path) -> None:
    """Moves a whole new audio.npy and its index to their places, in steps that can be repeated."""
    unfinished = folder / layout.UNFINISHED
    if not (unfinished / layout.INDEX).exists():
        return
    # They belong to the audio that was there before.
    for place in (folder, unfinished):
        for pattern in ("features-*", "mask-*"):
            for path in place.glob(pattern):
                path.unlink()
    if (unfinished / layout.AUDIO).exists():
        (folder / layout.INDEX).unlink(missing_ok=True)
        os.replace(unfinished / layout.AUDIO, folder / layout.AUDIO)
    os.replace(unfinished / layout.INDEX, folder / layout.INDEX)
    shutil.rmtree(unfinished)


def _report(
    unreadable: dict[str, Unreadable], good: int, folder: Path, skip: bool, console: Console
) -> None:
    listing = folder / layout.UNREADABLE
    if not unreadable:
        listing.unlink(missing_ok=True)
        return
    columns = [field.name for field in dataclasses.fields(Unreadable)]
    beside = folder / layout.UNFINISHED / layout.UNREADABLE
    write_rows(beside, columns, map(dataclasses.asdict, unreadable.values()))
    os.replace(beside, listing)
    count = f"{len(unreadable)} of {len(unreadable) + good} clips can't be read"
    if skip and good:
        console.print(f"{count}, and are left out: {listing}", highlight=False, markup=False)
        return
    named = [f"'{clip.id}': {clip.reason}" for clip in list(unreadable.values())[:_NAMED]]
    if len(unreadable) > _NAMED:
        named.append("...")
    raise ValueError(
        f"{count} ({good} can, and are kept for the next run). All are listed in '{listing}': mend "
        "them, take them out of the manifest, or leave them out (--skip-unreadable). "
        f"{'; '.join(named)}"
    )
