"""How long the backbones take: `python -m keras_reparam.benchmarks.backbones`.

Four seconds of audio, batch 1, one thread, random weights. All forms of all backbones take turns
in one process, so that whatever else the machine does falls on all of them alike; a ratio
compares inferences of the same round. Each is measured right after another one of its own.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.progress import track
from keras_reparam._utils.quiet import import_keras, quiet
from keras_reparam._utils.turns import take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.command import exit_code, form_options, print_result
from keras_reparam.benchmarks.sizes import FRAMES, choose, create_random

SIZES = ("light", "large")
REFERENCE = ("conv_transformer", "light")
_WARM_UP = 2
# Read by NumPy and TensorFlow when they are imported: set for a process of its own.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
}
_FORMS = {
    "keras": "Keras",
    "tflite": "TFLite",
    "waveform": "waveform in",
    "waveform_int8": "waveform in, int8",
    "log_mel": "LogMel, TFLite",
    "librosa": "librosa",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Latency:
    """One form of one backbone, or of the front end alone.

    Attributes:
        backbone: Its name; `None` for the front end.
        size: Its size; `None` for the front end.
        form: `"keras"` (features in, `predict_on_batch`, which compiles), `"tflite"` (features
            in, float), `"waveform"` (the whole file, float), `"waveform_int8"` (of kind int8),
            `"log_mel"` (the front end as float TFLite) or `"librosa"`
            (`librosa.feature.melspectrogram` and the logarithm).
        median: Milliseconds per inference.
        low: 10th percentile.
        high: 90th percentile.
        ratio: Median ratio to the same form of the light ConvTransformer in the same round; of
            the front end, to librosa.
    """

    backbone: str | None
    size: str | None
    form: str
    median: float
    low: float
    high: float
    ratio: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackboneBenchmark:
    """What `benchmark_backbones` measured; prints as two tables.

    Attributes:
        rows: One `Latency` per form of a backbone, then those of the front end.
        environment: CPU with its vector extensions, load, and versions.
        rounds: Measured inferences of each form.
    """

    rows: tuple[Latency, ...]
    environment: dict[str, str | int | float | None]
    rounds: int

    def tables(self) -> tuple[Table, Table]:
        """The backbones, and the front end alone."""
        title = f"Milliseconds for 4 s, one thread: median of {self.rounds} (10 % to 90 %)"
        backbones = Table(title=title, title_justify="left")
        front_end = Table(caption=described(self.environment), caption_justify="left")
        forms = ("keras", "tflite", "waveform", "waveform_int8")
        backbones.add_column("backbone", no_wrap=True)
        backbones.add_column("size", no_wrap=True)
        for column in (*(_FORMS[form] for form in forms), "ratio"):
            backbones.add_column(column, justify="right")
        front_end.add_column("front end", no_wrap=True)
        for column in ("ms", "ratio"):
            front_end.add_column(column, justify="right", no_wrap=True)
        found = {(row.backbone, row.size, row.form): row for row in self.rows}
        for backbone, size in dict.fromkeys((row.backbone, row.size) for row in self.rows):
            if backbone is not None:
                cells = [_cell(found.get((backbone, size, form))) for form in forms]
                ratio = found[backbone, size, "tflite"].ratio
                backbones.add_row(backbone, size, *cells, f"{ratio:.2f}")
        for form in ("librosa", "log_mel"):
            row = found[None, None, form]
            front_end.add_row(_FORMS[form], _cell(row), f"{row.ratio:.2f}")
        return backbones, front_end

    def __rich__(self) -> Group:
        return Group(*self.tables())


def _cell(row: Latency | None) -> str:
    return "" if row is None else f"{row.median:.2f} ({row.low:.2f} to {row.high:.2f})"


def benchmark_backbones(
    backbones: Sequence[str] = (), *, sizes: Sequence[str] = SIZES, rounds: int = 50
) -> BackboneBenchmark:
    """Latencies of backbones, measured in a process of its own with one thread.

    Args:
        backbones: Their names; the light ConvTransformer is measured in any case. None: all.
        sizes: Names of sizes.
        rounds: Measured inferences of each form.

    Returns:
        A `BackboneBenchmark`.

    Raises:
        ValueError: If a name is not known, or `rounds` is not positive.
    """
    rounds = positive_int("rounds", rounds)
    choose(backbones, sizes)
    child = subprocess.run(
        [
            *(sys.executable, "-m", "keras_reparam.benchmarks.backbones", "--here", "--json"),
            *("--rounds", str(rounds), "--size", *sizes),
            *(("--backbone", *backbones) if backbones else ()),
        ],
        env={**os.environ, **_ONE_THREAD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    if child.returncode:
        raise RuntimeError("The process that measures failed; what it said stands above.")
    content = json.loads(child.stdout)
    return BackboneBenchmark(**{**content, "rows": tuple(Latency(**x) for x in content["rows"])})


def _benchmark_here(pairs: Sequence[tuple[str, str]], rounds: int) -> BackboneBenchmark:
    import_keras()
    with tempfile.TemporaryDirectory() as folder:
        inferences = _front_end(Path(folder))
        for backbone, size in track([*dict.fromkeys([REFERENCE, *pairs])], "Exporting"):
            inferences |= _forms(backbone, size, Path(folder))
    steps = [*inferences.values()]
    seconds = take_turns(steps, rounds, _WARM_UP, description="Inferences", cached=True)
    times = dict(zip(inferences, 1000 * seconds.T, strict=True))
    rows = []
    for (backbone, size, form), measured in times.items():
        compared = (None, None, "librosa") if backbone is None else (*REFERENCE, form)
        low, median, high = np.percentile(measured, [10, 50, 90]).tolist()
        rows.append(
            Latency(
                backbone=backbone,
                size=size,
                form=form,
                median=median,
                low=low,
                high=high,
                ratio=float(np.median(measured / times[compared])),
            )
        )
    packages = ("keras", "tensorflow", "ai-edge-litert", "librosa")
    return BackboneBenchmark(rows=tuple(rows), environment=environment(*packages), rounds=rounds)


def _forms(backbone: str, size: str, folder: Path) -> dict[tuple, Callable[[], Any]]:
    """The inferences of one backbone by (backbone, size, form)."""
    from keras_reparam import audio, models
    from keras_reparam.deploy import export_tflite

    model = create_random(backbone, size)
    waveform_in = models.with_front_end(model, audio.LogMel(num_mels=model.num_mels))
    features = _noise(1, model.frames, model.num_mels)
    waveform = _noise(*waveform_in.input_shape[1:])
    path = folder / "model.tflite"
    export_tflite(model, path, quantization="float32")
    with quiet():
        # Compiled here, for TensorFlow complains of as many functions as there are models.
        model.predict_on_batch(features)
    forms = {"keras": lambda: model.predict_on_batch(features), "tflite": _runs(path, features[0])}
    export_tflite(waveform_in, path, quantization="float32")
    forms["waveform"] = _runs(path, waveform)
    if size == "light":
        export_tflite(waveform_in, path, quantization="int8", representative_data=[waveform])
        forms["waveform_int8"] = _runs(path, waveform)
    return {(backbone, size, form): inference for form, inference in forms.items()}


def _front_end(folder: Path) -> dict[tuple, Callable[[], Any]]:
    """`LogMel` alone, as a file and as librosa computes it."""
    import keras
    import librosa

    from keras_reparam.audio import LogMel

    log_mel = LogMel()
    waveform = _noise(FRAMES * log_mel.hop_length)

    def with_librosa():
        mel = librosa.feature.melspectrogram(
            y=waveform,
            sr=log_mel.sample_rate,
            n_fft=log_mel.fft_length,
            win_length=log_mel.frame_length,
            hop_length=log_mel.hop_length,
            center=False,
            power=log_mel.power,
            n_mels=log_mel.num_mels,
        )
        return np.log(mel + log_mel.log_offset)

    inputs = keras.Input(waveform.shape, batch_size=1)
    # Flat, since `Runtime` expects one axis of scores.
    model = keras.Model(inputs, keras.ops.reshape(log_mel(inputs), (1, -1)))
    path = folder / "log_mel.tflite"
    # Keras would leave the batch open, whatever the input says.
    static = [keras.InputSpec(shape=inputs.shape, dtype="float32")]
    model.export(path, format="litert", verbose=False, input_signature=static)
    forms = {"librosa": with_librosa, "log_mel": _runs(path, waveform)}
    return {(None, None, form): inference for form, inference in forms.items()}


def _runs(path: Path, example: np.ndarray) -> Callable[[], Any]:
    """The inference of a file, which may be gone afterwards."""
    from keras_reparam.deploy.runtime.runtime import Runtime

    runtime = Runtime(path.read_bytes())
    return lambda: runtime(example)


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.backbones",
        description="Latency of the backbones for 4 s of audio, interleaved, on one thread.",
        epilog="Example: python -m keras_reparam.benchmarks.backbones --size light --rounds 200",
    )
    parser.add_argument("--backbone", nargs="+", default=[], help="default: all")
    parser.add_argument("--size", nargs="+", default=SIZES, help="default: light large")
    parser.add_argument("--rounds", type=int, default=50, help="inferences of each form")
    form_options(parser)
    # The process that measures is this command, started by itself.
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    def body() -> int:
        if options.here:
            result = _benchmark_here(choose(options.backbone, options.size), options.rounds)
        else:
            result = benchmark_backbones(
                options.backbone, sizes=options.size, rounds=options.rounds
            )
        print_result(options, dataclasses.asdict(result), result.tables())
        return 0

    return exit_code(parser, body)


if __name__ == "__main__":
    sys.exit(main())
