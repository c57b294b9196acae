"""Where M3ED's files lie."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

AUDIO = "modality_speech"
# Names of the files, and of the splits here.
SPLITS = {"train": "train", "val": "validation", "test": "test"}


def read_annotation(data: Path) -> tuple[Path, dict]:
    """The annotation and its file, which is known by its content, for its name isn't agreed on.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If there is more than one.
    """
    found, others = {}, []
    for path in _files(data):
        if path.suffix != ".json":
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:
            others.append(f"'{path}' (no JSON: {error})")
            continue
        if _is_annotation(content):
            found[path] = content
        else:
            others.append(f"'{path}'")
    if not found:
        raise FileNotFoundError(
            "Expected M3ED's annotation, a JSON file: series -> dialog -> 'SpeakerInfo' and "
            f"'Dialog'. Received: '{data}' with {', '.join(others) or 'no JSON file'}"
        )
    if len(found) > 1:
        listed = ", ".join(f"'{path}'" for path in found)
        raise ValueError(f"Expected one annotation of M3ED. Received several: {listed}")
    return found.popitem()


def read_splits(data: Path) -> dict[str, str]:
    """The split of every series, by the published lists.

    Raises:
        FileNotFoundError: If a list is missing.
        ValueError: If there are two of it, it isn't text, or a series is in two of them.
    """
    splits: dict[str, str] = {}
    for name, split in SPLITS.items():
        for movie in _lines(_only(data, f"movie_list_{name}.txt")):
            if splits.setdefault(movie, split) != split:
                raise ValueError(
                    "Every series must be in one split alone. Received: "
                    f"'{movie}' in both '{splits[movie]}' and '{split}'"
                )
    return splits


def _only(data: Path, name: str) -> Path:
    found = [path for path in _files(data) if path.name == name]
    if not found:
        raise FileNotFoundError(
            f"Expected M3ED's list of series '{name}' in '{data}' or a folder in it."
        )
    if len(found) > 1:
        listed = ", ".join(f"'{path}'" for path in found)
        raise ValueError(f"Expected one list '{name}'. Received several: {listed}")
    return found[0]


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is no text in UTF-8: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def _files(data: Path) -> Iterator[Path]:
    """All files but hidden ones and the modalities', in a fixed order."""
    for folder, folders, names in os.walk(data):
        folders[:] = sorted(n for n in folders if not n.startswith((".", "modality_")))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _is_annotation(content: object) -> bool:
    """Whether this is series -> dialog -> "Dialog": the file of dialogs' relations lacks it."""
    movies = content.values() if isinstance(content, dict) else ()
    dialogs = (dialog for movie in movies if isinstance(movie, dict) for dialog in movie.values())
    return any(isinstance(d, dict) and isinstance(d.get("Dialog"), dict) for d in dialogs)
