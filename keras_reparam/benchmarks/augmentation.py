"""Cost of augmentation: a training step with it, as a ratio to the plain step.

    python -m keras_reparam.benchmarks.augmentation --expansion 4

On stored features `SpecAugment` is a layer of the model and `MixUp` mixes the batch before the
step, in the same thread. The waveform's augmentations stand before `LogMel` in the model. The
plain step takes stored features. All variants train in one process and take turns; every ratio is
to the plain step with the same expansion in the same round.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.quiet import import_keras
from keras_reparam._utils.turns import take_turns
from keras_reparam.benchmarks.command import exit_code
from keras_reparam.benchmarks.training_step import (
    NUM_CLASSES,
    Row,
    add_arguments,
    batch,
    create,
    row,
    time_table,
)

if TYPE_CHECKING:
    import keras

# Names of layers in `keras_reparam.audio`, in the order in which they run.
FEATURES: tuple[tuple[str, ...], ...] = (
    ("SpecAugment",),
    ("MixUp",),
    ("MixUp", "SpecAugment"),
)
WAVEFORM: tuple[tuple[str, ...], ...] = (
    ("LogMel",),
    ("RandomGain", "LogMel"),
    ("RandomNoise", "LogMel"),
    ("RandomPolarity", "LogMel"),
    ("RandomSpeed", "LogMel"),
    ("RandomTimeShift", "LogMel"),
)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A compiled model and one training step of it."""

    layers: tuple[str, ...]
    expansion: int | None
    model: "keras.Model"
    step: Callable[[], Any]

    @property
    def name(self) -> str:
        """The layers in their order; "plain" if there are none."""
        return " + ".join(self.layers) or "plain"


def on_features(
    layers: tuple[str, ...], expansion: int | None, options: argparse.Namespace
) -> Variant:
    """Features and mask in, as the quickstart trains."""
    import keras

    from keras_reparam.audio import MixUp, SpecAugment

    features = keras.Input((options.frames, options.num_mels))
    mask = keras.Input((options.frames,), dtype="bool")
    augmented = features
    if "SpecAugment" in layers:
        width = min(12, options.num_mels)
        augmented = SpecAugment(frequency_width=width, seed=0)(features, mask=mask)
    backbone = create(expansion, options)
    model = compiled(keras.Model([features, mask], backbone(augmented, mask=mask)))
    values, classes = batch(options.batch_size, options)
    stored = {
        "features": values,
        "mask": np.ones(values.shape[:2], bool),
        "targets": one_hot(classes),
    }
    mix_up = MixUp(seed=0) if "MixUp" in layers else lambda data, training: data

    def step():
        data = mix_up(stored, training=True)
        model.train_on_batch((data["features"], data["mask"]), data["targets"])

    return Variant(layers, expansion, model, step)


def on_waveform(
    layers: tuple[str, ...], expansion: int | None, options: argparse.Namespace
) -> Variant:
    """Waveform in, log-mel features in the model."""
    import keras

    from keras_reparam import audio

    *augmentation, _ = layers
    log_mel = audio.LogMel(num_mels=options.num_mels)
    samples = options.frames * log_mel.hop_length
    waveform = augmented = keras.Input((samples,))
    for name in augmentation:
        augmented = getattr(audio, name)(seed=0)(augmented)
    backbone = create(expansion, options)
    model = compiled(keras.Model(waveform, backbone(log_mel(augmented))))
    rng = np.random.default_rng(0)
    clips = rng.normal(0, 0.1, (options.batch_size, samples)).astype("float32")
    targets = one_hot(rng.integers(NUM_CLASSES, size=options.batch_size))
    return Variant(layers, expansion, model, lambda: model.train_on_batch(clips, targets))


def compiled(model: "keras.Model") -> "keras.Model":
    import keras

    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def one_hot(classes: np.ndarray) -> np.ndarray:
    return np.eye(NUM_CLASSES, dtype="float32")[classes]


def measure(
    plain: Sequence[Variant], augmented: Sequence[Variant], options: argparse.Namespace
) -> list[Row]:
    """Rows of the plain steps, one for each expansion, and of those with augmentation."""
    variants = [*plain, *augmented]
    steps = [each.step for each in variants]
    seconds = take_turns(steps, options.rounds, options.warmup, description="Training steps")
    base = {each.expansion: i for i, each in enumerate(plain)}
    return [
        row(
            options.batch_size,
            each.name,
            each.expansion,
            each.model,
            seconds[:, i],
            seconds[:, base[each.expansion]],
        )
        for i, each in enumerate(variants)
    ]


def measure_all(options: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """Rows of stored features and of waveforms, without and with HRF."""
    expansions = (None, options.expansion)
    plain = [on_features((), r, options) for r in expansions]
    features = [on_features(layers, r, options) for r in expansions for layers in FEATURES]
    rows = measure(plain, features, options)
    if options.no_waveform:
        return rows, []
    waveform = [on_waveform(layers, r, options) for r in expansions for layers in WAVEFORM]
    return rows, measure(plain, waveform, options)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.augmentation",
        description=__doc__ and __doc__.splitlines()[0],
        epilog="Example: python -m keras_reparam.benchmarks.augmentation --rounds 10",
    )
    add_arguments(result)
    result.add_argument("--expansion", type=int, default=4, help="of HRF; default: 4")
    result.add_argument("--batch-size", type=int, default=32, help="default: 32")
    result.add_argument("--no-waveform", action="store_true", help="measure stored features alone")
    return result


def main(arguments: list[str] | None = None) -> int:
    command = parser()
    options = command.parse_args(arguments)
    return exit_code(command, lambda: run(options))


def run(options: argparse.Namespace) -> int:
    backend = import_keras()
    about = environment("keras", backend, "numpy")
    features, waveform = measure_all(options)
    if options.json:
        report = {
            "environment": about,
            "model": {name: getattr(options, name) for name in ("model", "size", "frames")},
            "features": [dataclasses.asdict(each) for each in features],
            "waveform": [dataclasses.asdict(each) for each in waveform],
        }
        print(json.dumps(report, indent=2))
        return 0
    console = Console()
    console.print(described(about))
    console.print(f"{options.model} {options.size}, {options.frames} frames, Adam")
    for rows in filter(None, (features, waveform)):
        console.print(time_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
