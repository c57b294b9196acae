"""Which class each test clip gets, as it is and in every condition."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pydantic
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


@pydantic.dataclasses.dataclass(frozen=True)
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
    digest = hashlib.sha256(contestant.artifact.read_bytes()).hexdigest()
    known = _kept(folder / _CLASSES, digest)
    if any(
        example.id not in known.get(name, {}) for name in (CLEAN, *HARD) for example in examples
    ):
        known = _heard(contestant, examples, samples, console)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _CLASSES, _Kept(digest, _SEED, known))
    return {
        name: np.array([known[name][example.id] for example in examples]) for name in (CLEAN, *HARD)
    }


def changed(samples: np.ndarray, clip: str, condition: str) -> np.ndarray:
    """A clip in a condition, as `recipes.robustness` has it with the same seed."""
    if condition == CLEAN:
        return samples
    scene = Scene(SAMPLE_RATE, generator(_SEED, clip, condition), _nothing, _nothing)
    return sixteen_bits(CONDITIONS[condition].apply(samples, scene))


def _nothing(_):
    raise AssertionError("These conditions need neither voices nor recordings")


def _kept(path: Path, digest: str) -> Mapping[str, dict[str, int]]:
    if not path.is_file():
        return {}
    kept = read_json(path, _Kept)
    return kept.classes if (kept.artifact_sha256, kept.seed) == (digest, _SEED) else {}


def _heard(contestant, examples, samples, console: Console) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {name: {} for name in (CLEAN, *HARD)}
    with Worker(contestant.kind, contestant.path) as worker:
        for example in track(examples, f"{contestant.title} hears the test clips", console):
            clip = samples(example)
            for name, classes in found.items():
                scores, _ = worker.hear(changed(clip, example.id, name))
                classes[example.id] = int(np.argmax(scores))
    return found
