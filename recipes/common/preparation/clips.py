"""Corpora of short files whose names say all about them."""

import re
from collections.abc import Sequence
from pathlib import Path

from recipes.common.preparation.problems import Problem

UNKNOWN_NAME = "unknown name"
CLIP_TWICE = "clip twice"

_SUFFIXES = (".wav", ".flac")


def clips_by_name(
    data: Path, folders: Sequence[str], pattern: re.Pattern, *, title: str
) -> tuple[list[tuple[re.Match, str]], list[Problem]]:
    """The clips of a corpus: the match of each file's name without suffix, and its path.

    Sorted by name. Hidden files, among them those that macOS adds (`._*`), are passed over.

    Args:
        data: The corpus's folder.
        folders: Where in it the clips may lie; the first that holds WAV or FLAC files is taken.
        pattern: What names must be, without suffix.
        title: The corpus's name, for errors.

    Returns:
        The clips with paths relative to `data`, and files with other names, or with one name.

    Raises:
        FileNotFoundError: If none of the folders holds audio.
    """
    for folder in folders:
        files = _audio_files(data / folder)
        if files:
            break
    else:
        raise FileNotFoundError(
            f"{title}'s clips must be *.wav or *.flac in one of the folders {', '.join(folders)}. "
            f"Received: '{data}' with none there"
        )
    clips: dict[str, tuple[re.Match, str]] = {}
    problems = []
    for file in files:
        path = file.relative_to(data).as_posix()
        match = pattern.fullmatch(file.stem)
        if match is None:
            problems.append(Problem(UNKNOWN_NAME, path, f"no clip of {title} is called so"))
        elif file.stem in clips:
            what = f"the same clip as {clips[file.stem][1]}; remove one"
            problems.append(Problem(CLIP_TWICE, path, what))
        else:
            clips[file.stem] = match, path
    return list(clips.values()), problems


def _audio_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )
