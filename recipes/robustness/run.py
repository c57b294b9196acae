"""Runs the tests."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam._utils.environment import cores, environment
from keras_reparam._utils.progress import track
from keras_reparam.audio.silence import SILENCE_DECIBELS
from recipes.common.manifest import manifest_hash
from recipes.common.names import CLEAN
from recipes.common.perturbations.codecs import available
from recipes.robustness import clips as clip_lists
from recipes.robustness import verdict
from recipes.robustness.clips import Clips
from recipes.robustness.condition import Condition
from recipes.robustness.conditions import chosen
from recipes.robustness.marks import Family
from recipes.robustness.outcome import Heard
from recipes.robustness.pool import classes_of_clips
from recipes.robustness.report import Report


def run(
    model: Path,
    manifest: Path,
    data: Path,
    *,
    tests: Sequence[str] | None = None,
    folds: Sequence[str] = (),
    splits: Sequence[str] = (),
    limit: int | None = None,
    recordings: Path | None = None,
    seed: int = 1,
    silence_decibels: float = SILENCE_DECIBELS,
    workers: int | None = None,
    console: Console | None = None,
) -> tuple[Report, dict[str, np.ndarray], Clips]:
    """Classifies clips in every condition, and holds the results against the marks.

    Args:
        model: A `.tflite` speech classifier with labels and sample rate inside.
        manifest: Clips, as recipes list them.
        data: Folder with their audio.
        tests: Names of tests or families; `None`: all.
        folds: Only clips of these folds; none: of all.
        splits: Only clips of these splits; none: of all.
        limit: At most so many clips of each class and speaker.
        recordings: Folder with folders of recordings (`conditions.RECORDINGS`).
        seed: Of all that is random: the same seed gives the same result.
        silence_decibels: As `kr.load_classifier` takes it.
        workers: Processes; `None`: one for each core.
        console: Where the progress bar is drawn; `None`: standard error.

    Returns:
        The report; the class of every clip, `(clips,)`, by condition; and the clips.

    Raises:
        FileNotFoundError: If a file or folder is not there.
        ValueError: If the model is no such file, no clip is of its classes, or a test is unknown.
    """
    conditions, clean_tests = chosen(tests)
    classifier = kr.load_classifier(model, silence_decibels=silence_decibels)
    clips = clip_lists.find(
        manifest,
        data,
        classifier.labels,
        folds=folds,
        splits=splits,
        limit=limit,
        recordings=recordings,
    )
    obstacles = {c.name: obstacle(c, clips, classifier.sample_rate) for c in conditions}
    conditions = [c for c in conditions if obstacles[c.name] is None]
    heard_in = f"{1 + len(conditions)} conditions"
    classes = hear(
        model,
        clips,
        conditions,
        seed=seed,
        silence_decibels=silence_decibels,
        workers=workers,
        console=console,
        description=f"Classifying {len(clips.segments):,} clips in {heard_in}",
    )
    heard = Heard.of(classifier.labels, clips, classes[CLEAN])
    no_sexes = verdict.why_no_sexes(heard) if "sex" in clean_tests else None
    outcomes = [heard.outcome(c.name, c.what, classes[c.name]) for c in conditions]
    report = Report(
        model=str(model),
        model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        manifest=str(manifest),
        manifest_sha256=manifest_hash(manifest),
        labels=tuple(classifier.labels),
        clips=len(clips.segments),
        speakers=len(set(heard.speakers.tolist())),
        left_out=clips.left_out,
        folds=tuple(folds),
        splits=tuple(splits),
        limit=limit,
        seed=seed,
        silence_decibels=silence_decibels,
        environment=environment("ai-edge-litert", "numpy", "scipy"),
        clean=heard.outcome(CLEAN, "the clips as they are", heard.clean),
        outcomes=tuple(outcomes),
        families={condition.name: condition.family for condition in conditions},
        verdicts=tuple(_verdicts(conditions, clean_tests, outcomes, heard)),
        not_run={
            **{name: why for name, why in obstacles.items() if why is not None},
            **({} if no_sexes is None else {"sex": no_sexes}),
        },
    )
    return report, classes, clips


def hear(
    model: Path,
    clips: Clips,
    conditions: Sequence[Condition],
    *,
    seed: int,
    silence_decibels: float,
    workers: int | None,
    description: str,
    console: Console | None = None,
) -> dict[str, np.ndarray]:
    """The class of every clip, `(clips,)`, as it is and in every condition, by its name.

    Args:
        model: A `.tflite` speech classifier.
        clips: The clips.
        conditions: Those that nothing stands against (`obstacle`).
        seed: As in `run`; so are the rest.
        silence_decibels: See there.
        workers: See there.
        description: Of the progress bar.
        console: See there.
    """
    found = track(
        classes_of_clips(
            clips,
            workers=workers or cores(),
            names=[condition.name for condition in conditions],
            model=model,
            seed=seed,
            silence_decibels=silence_decibels,
        ),
        description,
        console,
        total=len(clips.segments),
    )
    table = np.array(list(found))
    return dict(zip([CLEAN, *(c.name for c in conditions)], table.T, strict=True))


def _verdicts(
    conditions: Sequence[Condition], clean_tests: Sequence[Family], outcomes, heard: Heard
) -> list[verdict.Verdict]:
    found = verdict.of_clean(clean_tests, heard)
    for condition, outcome in zip(conditions, outcomes, strict=True):
        found += verdict.of_condition(outcome, condition.family)
    return found


def obstacle(condition: Condition, clips: Clips, rate: int) -> str | None:
    """What a condition needs and has not; `None` if it can run."""
    kind = condition.recordings
    if kind is not None and kind not in clips.recordings:
        return f"needs recordings: --recordings DIR with DIR/{kind}"
    if rate < condition.least_rate:
        return f"needs a model of at least {condition.least_rate} Hz; received {rate}"
    if condition.codec is not None and not available(condition.codec):
        return f"needs PyAV with an encoder of {condition.codec}: python -m pip install av"
    if condition.others and len(clips.speech) < 2:
        return "needs clips of at least two speakers"
    return None
