"""The store with the features that recipes train on."""

import time
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import interrupted_at_the_end, keep_quiet
from recipes.common.manifest import Segment
from recipes.common.store.build import build_store


def build_standard_store(
    segments: Sequence[Segment], data: Path, folder: Path, *, skip_unreadable: bool = False
) -> str:
    """Builds a store with the features of the front end's defaults; starts Keras without its logs.

    Arguments and errors are those of `build_store`.

    Returns:
        One line: how much it holds, and how long that took.
    """
    keep_quiet()
    from keras_reparam._utils.quiet import quiet

    with interrupted_at_the_end(), quiet():
        from keras_reparam.audio import LogMel

        log_mel = LogMel()
    start = time.monotonic()
    store = build_store(segments, data, folder, log_mel=log_mel, skip_unreadable=skip_unreadable)
    seconds = time.monotonic() - start
    hours = sum(store.length(clip) for clip in store.ids) / store.sample_rate / 3600
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return (
        f"{len(store)} clips, {hours:.2f} hours, {size / 1e6:,.1f} MB in {folder} ({seconds:.1f} s)"
    )
