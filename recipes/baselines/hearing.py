"""Which class each test clip gets, as it is and in every condition."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.baselines.contestant import Contestant
from recipes.baselines.listeners import SAMPLE_RATE
from recipes.baselines.worker import Worker
from recipes.common.files.json_file import read_json, write_json
from recipes.common.perturbations.level import sixteen_bits
from recipes.common.protocol.fold import Example
from recipes.robustness.conditions import CONDITIONS
from recipes.robustness.scene import Scene, generator

CLEAN = "clean"
# Of `recipes.robustness`: what they are in words stands there.
HARD = ("gain-20", "white", "telephone")
_SEED = 1
_CLASSES = "classes.json"
# After a kill about so much is done again.
SAVED_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class _Kept:
    """What was heard by which artifact: indices of classes by condition and clip."""

    artifact_sha256: str
    seed: int
    classes: dict[str, dict[str, int]]


def classes_of(
    contestant: Contestant,
    examples: Sequence[Example],
    samples: Callable[[Example], np.ndarray],
    folder: Path,
    console: Console,
) -> dict[str, np.ndarray]:
    """The class of every clip, `(clips,)`, in every condition; kept in `folder`.

    Args:
        contestant: Who hears.
        examples: What is heard.
        samples: Gives the waveform of an example.
        folder: Where answers are kept, for as long as the contestant is the same.
        console: Where the progress bar is drawn.
    """
    names = (CLEAN, *HARD)
    digest = hashlib.sha256(contestant.artifact.read_bytes()).hexdigest()
    known = _kept(folder / _CLASSES, digest) or {name: {} for name in names}
    missing = [e for e in examples if any(e.id not in known[name] for name in names)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        bar = track(missing, f"{contestant.title} hears the test clips", console)
        with Worker(contestant.kind, contestant.path) as worker:
            saved = time.monotonic()
            for example in bar:
                _hear(worker, example.id, samples(example), known)
                if time.monotonic() - saved > SAVED_SECONDS:
                    write_json(folder / _CLASSES, _Kept(digest, _SEED, known))
                    saved = time.monotonic()
        write_json(folder / _CLASSES, _Kept(digest, _SEED, known))
    return {name: np.array([known[name][e.id] for e in examples]) for name in names}


def changed(samples: np.ndarray, clip: str, condition: str) -> np.ndarray:
    """A clip in a condition, as `recipes.robustness` has it with the same seed."""
    if condition == CLEAN:
        return samples
    scene = Scene(SAMPLE_RATE, generator(_SEED, clip, condition), _nothing, _nothing)
    return sixteen_bits(CONDITIONS[condition].apply(samples, scene))


def _nothing(_):
    raise AssertionError("These conditions need neither voices nor recordings")


def _kept(path: Path, digest: str) -> dict[str, dict[str, int]] | None:
    if not path.is_file():
        return None
    kept = read_json(path, _Kept)
    return kept.classes if (kept.artifact_sha256, kept.seed) == (digest, _SEED) else None


def _hear(worker: Worker, clip: str, samples: np.ndarray, known: dict[str, dict[str, int]]) -> None:
    for name, classes in known.items():
        scores, _ = worker.hear(changed(samples, clip, name))
        classes[clip] = int(np.argmax(scores))
