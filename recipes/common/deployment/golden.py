"""Golden vectors of a deployment: which clips, and that they hold."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_reparam.deploy import check_golden, write_golden
from keras_reparam.deploy.release.golden import TOLERANCES
from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Task, Value
from recipes.common.scoring.examples import Scored

_CLIPS = 6
# Clips of longer windows would be megabytes.
_LONGEST = 4
# The classifier takes nothing shorter.
_SHORTEST = 0.025


def clearest(
    task: Task,
    labels: Sequence[Value],
    speakers: Sequence[str],
    scores: np.ndarray,
    usable: Sequence[bool],
) -> list[int]:
    """Indices of six of the usable clips, or as many as there are classes and speakers.

    They come from every class and speaker in turn; of each the one whose best class is clearest,
    so that a runtime's rounding can't exchange the best two. Those that are right come before
    those that are wrong: an app's tests want to see every class named.

    Args:
        task: Of the model.
        labels: `(clips,)`: what is true of them.
        speakers: `(clips,)`.
        scores: `(clips, outputs)`.
        usable: `(clips,)`: whether a clip may be taken.
    """
    wrong, margins = task.clearness(labels, scores)
    strata = task.strata(labels)
    found: dict[tuple[int, str], int] = {}
    for i in np.lexsort((-margins, wrong)):
        if usable[i]:
            found.setdefault((strata[i], speakers[i]), int(i))
    # Another speaker for every class in turn, then what is left.
    people = sorted({speaker for _, speaker in found})

    def place(key: tuple[int, str]) -> tuple[bool, int, int]:
        label, speaker = key
        return wrong[found[key]], (people.index(speaker) - label) % len(people), label

    order = sorted(found, key=place)
    return [found[key] for key in order[:_CLIPS]]


def write_checked_golden(
    folder: Path, clips: Mapping[str, np.ndarray], models: Mapping[str, Path]
) -> None:
    """Writes the golden vectors of `.tflite` files, by kind, and replays them.

    Raises:
        ValueError: If the files do not give the same scores again.
    """
    write_golden(folder, clips, models)
    if not check_golden(folder, models).passed:
        raise ValueError("The golden vectors don't hold on this machine. Run the command again.")


def golden_of(
    examples: Sequence[Example],
    task: Task,
    read: Callable[[Example], np.ndarray],
    scored: Scored,
    files: Mapping[str, Path],
    *,
    folder: Path,
    window: int,
    sample_rate: int,
) -> tuple[list[str], str | None]:
    """Writes golden vectors of test examples, if there are such that fit into the window.

    Args:
        examples: What was scored.
        task: Of the model.
        read: Gives the waveform of an example.
        scored: What was found.
        files: `.tflite` files by kind.
        folder: Where the vectors go.
        window: Samples that the files take at once.
        sample_rate: Samples per second.

    Returns:
        Names of the clips; and, if there are none, why, else `None`.
    """
    models = {kind: file for kind, file in files.items() if kind in TOLERANCES}
    if not models:
        return [], "no file takes a waveform"
    if window > _LONGEST * sample_rate:
        return [], f"the window is longer than {_LONGEST} s"
    fits = (scored.lengths >= _SHORTEST * sample_rate) & (scored.lengths <= window)
    chosen = clearest(
        task,
        [example.label for example in examples],
        [example.speaker for example in examples],
        scored.probabilities[list(models)[-1]],
        # A WAV file holds nothing louder.
        fits & (scored.peaks > 0) & (scored.peaks <= 1),
    )
    if not chosen:
        return [], "no test clip fits into the window"
    # Ids may be paths, and two of them the same name then.
    names = [examples[i].id.replace("/", "_") for i in chosen]
    if len(set(names)) < len(names):
        names = [f"{name}_{i}" for i, name in zip(chosen, names, strict=True)]
    clips = {name: read(examples[i]) for name, i in zip(names, chosen, strict=True)}
    write_checked_golden(folder, clips, models)
    return names, None
