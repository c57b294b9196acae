"""Golden vectors: a few clips, and the scores that every runtime must give for them.

Imports neither Keras nor TensorFlow.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.printed import Printed
from keras_reparam.audio.windows import loudest, valid_samples
from keras_reparam.deploy.runtime.classifier import Classifier

# Allowed difference of a probability. For int8 kinds the best class must also be the same. There
# is no `int8_full`: it takes features, and the clips are waveforms.
TOLERANCES = {
    **dict.fromkeys(("float32", "float16"), 1e-4),
    **dict.fromkeys(("int8_dynamic", "int8", "int4_dynamic"), 0.02),
}
_INDEX = "golden.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class GoldenRow:
    """One clip in one file: the maximum absolute error of a probability, and what is allowed."""

    file: str
    kind: str
    difference: float
    tolerance: float
    same_top1: bool

    @property
    def passed(self) -> bool:
        return self.same_top1 and self.difference <= self.tolerance


@dataclasses.dataclass(frozen=True)
class GoldenReport(Printed):
    """What `check_golden` found; prints as a table.

    Attributes:
        rows: One `GoldenRow` per clip and kind.
    """

    rows: tuple[GoldenRow, ...]

    @property
    def passed(self) -> bool:
        """Whether every clip has the scores that it should have."""
        return all(row.passed for row in self.rows)

    def __rich__(self) -> Table:
        table = Table("clip", "kind", "difference", "allowed", "same top-1", "passed")
        for row in self.rows:
            table.add_row(
                Text(row.file),
                row.kind,
                f"{row.difference:.1e}",
                f"{row.tolerance:.0e}",
                "yes" if row.same_top1 else "no",
                "yes" if row.passed else "NO",
            )
        return table


def write_golden(
    folder: str | os.PathLike,
    clips: Mapping[str, np.ndarray],
    models: Mapping[str, str | os.PathLike],
) -> Path:
    """Writes `folder` anew: the clips as PCM16 WAV, and `golden.json` with their scores.

    Zeros at both ends of a clip are left out.

    `golden.json` holds `sample_rate`, `labels` in order, `tolerance` by kind (a probability's
    allowed difference; for int8 kinds the best class must also be the same) and `clips`: `file`,
    `sha256`, and `probabilities` by kind. The scores are those of the samples as stored.

    Args:
        folder: Replaced as a whole, once everything is written.
        clips: Name to mono float samples between -1 and 1 at the models' sample rate, at most
            as long as the models' window, so that a runtime replays them in one call.
        models: Kind to `.tflite` file. All have the same labels, sample rate and window. Any kind
            but `"int8_full"`, which takes features.

    Returns:
        Path of `golden.json`.

    Raises:
        ValueError: If a clip or a model is not as described.
    """
    folder = Path(folder)
    classifiers = _load(models)
    first = next(iter(classifiers.values()))
    if not clips:
        raise ValueError("`clips` must hold at least one clip. Received: none")
    for name, samples in clips.items():
        _check_clip(name, samples, first)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        entries = []
        for name, samples in clips.items():
            path = beside / f"{name}.wav"
            _write_wav(path, samples, first.sample_rate)
            stored = _read_wav(path, first.sample_rate)
            entries.append(
                {
                    "file": path.name,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "probabilities": {
                        kind: [
                            round(float(p), 7)
                            for p in classifier.classify(stored, first.sample_rate).probabilities
                        ]
                        for kind, classifier in classifiers.items()
                    },
                }
            )
        content = {
            "sample_rate": first.sample_rate,
            "window": first.window,
            "labels": list(first.labels),
            "tolerance": {
                kind: first.metadata.scoring.width * TOLERANCES[kind] for kind in classifiers
            },
            "clips": entries,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (beside / _INDEX).write_text(text, encoding="utf-8")
        beside.chmod(0o755)
        # A folder can't be replaced by renaming: the old one steps aside first.
        aside = beside.with_name(beside.name + ".old")
        if folder.exists():
            os.replace(folder, aside)
        os.replace(beside, folder)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / _INDEX


def check_golden(
    folder: str | os.PathLike, models: Mapping[str, str | os.PathLike]
) -> GoldenReport:
    """Runs the clips of `write_golden` through models and compares the scores.

    Args:
        folder: Folder with `golden.json` and the clips.
        models: Kind to `.tflite` file; kinds without scores in `golden.json` are refused.

    Returns:
        A `GoldenReport`; `report.passed` says whether all is well.

    Raises:
        ValueError: If the folder's files are not those that were written, or the models' labels
            or sample rate are others.
    """
    folder = Path(folder)
    index = folder / _INDEX
    if not index.is_file():
        raise FileNotFoundError(f"There are no golden vectors: no file '{index}'")
    classifiers = _load(models)
    rows = []
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        for kind, classifier in classifiers.items():
            found = (list(classifier.labels), classifier.sample_rate)
            if found != (content["labels"], content["sample_rate"]):
                raise ValueError(
                    f"The golden vectors are for the labels {content['labels']} at "
                    f"{content['sample_rate']} Hz. Received: '{models[kind]}' with the labels "
                    f"{found[0]} at {found[1]} Hz"
                )
            for clip in content["clips"]:
                rows.append(_check(folder, clip, kind, content["tolerance"], classifier))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"'{index}' does not hold what it should ({type(error).__name__}: {error})."
        ) from error
    return GoldenReport(tuple(rows))


def _load(models: Mapping[str, str | os.PathLike]) -> dict[str, Classifier]:
    unknown = sorted(set(models) - set(TOLERANCES))
    if unknown or not models:
        raise ValueError(
            f"`models` must map kinds, of {', '.join(TOLERANCES)}, to files; int8_full takes "
            "features, and golden clips are waveforms. "
            f"Received: {unknown or 'none'}"
        )
    classifiers = {kind: Classifier(path) for kind, path in models.items()}
    described = {(c.labels, c.sample_rate, c.window) for c in classifiers.values()}
    if len(described) != 1:
        raise ValueError(
            "All models must have the same labels, sample rate and window. "
            f"Received: {sorted(described)}"
        )
    return classifiers


def _check_clip(name: str, samples: np.ndarray, classifier: Classifier) -> None:
    samples = np.asarray(samples)
    if samples.ndim != 1 or not 0 < len(samples) <= classifier.window:
        raise ValueError(
            f"A golden clip must be mono and at most {classifier.window} samples long, which is "
            f"what the models take at once. Received: '{name}' of shape {samples.shape}"
        )
    if not name or Path(name).name != name:
        raise ValueError(f"A golden clip's name must be a file's name. Received: {name!r}")
    peak, rate = np.abs(samples).max(), classifier.sample_rate
    level = loudest(valid_samples(samples, rate), rate)
    if not peak <= 1 or level < classifier.silence_decibels:
        raise ValueError(
            "A golden clip must hold sound that is no silence, samples between -1 and 1. "
            f"Received: '{name}' with a largest absolute value of {peak} and a level of "
            f"{level:.1f} dBFS"
        )


def _check(folder: Path, clip: dict, kind: str, tolerance: dict, classifier: Classifier):
    path = folder / clip["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != clip["sha256"]:
        raise ValueError(f"'{path}' is not the clip whose scores are stored: its sha256 differs.")
    expected = np.asarray(clip["probabilities"][kind])
    samples = _read_wav(path, classifier.sample_rate)
    scores = classifier.classify(samples, classifier.sample_rate).probabilities
    return GoldenRow(
        file=clip["file"],
        kind=kind,
        difference=float(np.abs(scores - expected).max()),
        tolerance=float(tolerance[kind]),
        same_top1=classifier.metadata.scoring.same_answer(scores, expected),
    )


def _write_wav(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    pcm = np.clip(np.round(np.asarray(samples) * 32768), -32768, 32767).astype("<i2")
    # As the classifier hears it: a runtime that does not look for the first sound hears the same.
    pcm = np.trim_zeros(pcm)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.tobytes())


def _read_wav(path: Path, sample_rate: int) -> np.ndarray:
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            content = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"'{path}' is no WAV file: {error}") from error
    if form != (1, 2, sample_rate):
        raise ValueError(
            f"A golden clip must be mono PCM16 at {sample_rate} Hz. Received: '{path}' with "
            f"{form[0]} channels of {8 * form[1]} bits at {form[2]} Hz"
        )
    return np.frombuffer(content, "<i2")
