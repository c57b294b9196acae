"""Which runtimes load the exported files, and give the same scores.

    python -m keras_reparam.benchmarks.compatibility --update docs/howto/runtimes.md

Every kind of every model is exported and run in each runtime, in an environment of its own that
pip fills once and that is kept in the user's cache: a second run, or one that was interrupted,
takes up what is there. LiteRT.js runs in the Chromium that is installed.
"""

import argparse
import dataclasses
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.quiet import import_keras
from keras_reparam._utils.user_cache import user_cache
from keras_reparam.benchmarks.browser import BrowserRuntime
from keras_reparam.benchmarks.command import exit_code
from keras_reparam.benchmarks.runtime_environments import (
    RUNTIMES,
    RuntimeEnvironment,
    RuntimeUnavailable,
)
from keras_reparam.deploy.release.model_card import markdown_table
from keras_reparam.deploy.runtime.shipped import golden_clips
from keras_reparam.deploy.tflite.kinds import INTEGER_KINDS, KINDS

if TYPE_CHECKING:
    import keras

NUM_CLASSES, SAMPLE_RATE, FRAMES = 4, 16000, 400
BEGIN, END = "<!-- compatibility: begin -->", "<!-- compatibility: end -->"
# What counts as the same scores. Float differs by the order of sums, int8 by how runtimes round.
FLOAT_TOLERANCE, INT8_TOLERANCE = 1e-4, 0.02
# What is compared with the first of `RUNTIMES`.
OTHERS = (*RUNTIMES[1:], BrowserRuntime())


@dataclasses.dataclass(frozen=True)
class Row:
    """One file in one runtime, or the reason why it has no scores there.

    `difference` is the largest of a score to this environment's LiteRT, `top1_agreement` the
    share of clips whose best class is the same.
    """

    model: str
    kind: str
    runtime: str
    difference: float | None
    top1_agreement: float | None
    reason: str


def random_models(waveforms: np.ndarray) -> dict[str, "keras.Model"]:
    """The light backbones with their front end and random weights, by name.

    The last layer is scaled so that scores differ from clip to clip: random weights give every
    clip nearly the same scores, and any runtime those.
    """
    import keras

    import keras_reparam as kr

    keras.utils.set_random_seed(0)
    log_mel = kr.audio.LogMel(sample_rate=SAMPLE_RATE)
    log_mel.adapt(waveforms)
    found = {}
    for name in kr.models.list_models():
        backbone = kr.models.create(name, num_classes=NUM_CLASSES, frames=FRAMES)
        model = found[name] = kr.models.with_front_end(backbone, log_mel)
        logits = np.asarray(keras.ops.convert_to_numpy(model(waveforms, training=False)))
        last = next(
            layer
            for layer in reversed(backbone._flatten_layers())
            if isinstance(layer, keras.layers.Dense) and layer.units == NUM_CLASSES
        )
        kernel, bias = last.get_weights()
        scale = 1 / logits.std(axis=0)
        last.set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])
    return found


def saved_models(paths: Sequence[str]) -> dict[str, "keras.Model"]:
    """Saved waveform models by file name."""
    from keras_reparam.deploy.conversion.saved_model import load_model

    names = [Path(path).stem for path in paths]
    if len(set(names)) != len(names):
        raise ValueError(f"Models must have different file names. Received: {names}")
    found = {name: load_model(path) for name, path in zip(names, paths, strict=True)}
    for name, model in found.items():
        _parts(name, model)
    return found


def _parts(name: str, model: "keras.Model") -> tuple["keras.Model", Any]:
    """The backbone and the front end that `with_front_end` joined."""
    import keras

    from keras_reparam.audio import LogMel

    backbones = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    front_ends = [layer for layer in model.layers if isinstance(layer, LogMel)]
    if len(backbones) != 1 or len(front_ends) != 1:
        raise ValueError(
            f"Expected models made by `keras_reparam.models.with_front_end`. Received: '{name}'"
        )
    return backbones[0], front_ends[0]


def run(
    models: dict[str, "keras.Model"],
    runtimes: Sequence[RuntimeEnvironment | BrowserRuntime],
    cache: Path,
) -> list[Row]:
    """Exports every kind of the models and runs it everywhere on the package's own clips."""
    import keras

    import keras_reparam as kr
    from keras_reparam._utils.progress import track

    rows = []
    steps = [(name, kind) for name in models for kind in KINDS]
    with tempfile.TemporaryDirectory() as folder:
        files: dict[tuple[str, str], Path] = {}
        inputs: dict[str, Path] = {}
        for name, kind in track(steps, "Exporting"):
            model = models[name]
            backbone, log_mel = _parts(name, model)
            waveforms = golden_clips(model.input_shape[1], log_mel.sample_rate)
            features = np.asarray(keras.ops.convert_to_numpy(log_mel(waveforms)))
            inputs[name] = Path(folder) / f"{name}.npz"
            np.savez(
                inputs[name],
                waveform=waveforms,
                features=features,
                sample_rate=log_mel.sample_rate,
            )
            files[name, kind] = Path(folder) / f"{name}_{kind}.tflite"
            in_features = kind == "int8_full"
            kr.export_tflite(
                backbone if in_features else model,
                files[name, kind],
                quantization=kind,
                representative_data=features if in_features else waveforms,
                labels=[f"class {i}" for i in range(model.output_shape[1])],
            )
        steps = [(name, runtime) for name in models for runtime in (RUNTIMES[0], *runtimes)]
        for name, runtime in track(steps, "Running"):
            of_model = {kind: file for (other, kind), file in files.items() if other == name}
            try:
                found = runtime.scores(list(of_model.values()), inputs[name], cache)
            except RuntimeUnavailable as error:
                found = {file: {"error": str(error)} for file in of_model.values()}
            if runtime is RUNTIMES[0]:
                expected = found
            for kind, file in of_model.items():
                measured = _compared(expected[file], found[file])
                rows.append(Row(name, kind, runtime.title, *measured))
    return rows


def _compared(expected: dict, found: dict) -> tuple[float | None, float | None, str]:
    if "error" in found:
        # The first sentence; what follows is advice for another place.
        return None, None, found["error"].split(". ")[0]
    if "error" in expected:
        return None, None, f"no scores to compare with: {expected['error']}"
    ours, theirs = np.array(expected["scores"]), np.array(found["scores"])
    same = float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1)))
    return float(np.abs(ours - theirs).max()), same, ""


def cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the table: a kind per line, a runtime per column."""
    runtimes = list(dict.fromkeys(row.runtime for row in rows))
    kinds = list(dict.fromkeys(row.kind for row in rows))
    lines = []
    for kind in kinds:
        found = [[r for r in rows if (r.kind, r.runtime) == (kind, title)] for title in runtimes]
        lines.append([f"`{kind}`", *map(_cell, found)])
    return ["kind", *runtimes], lines


def _cell(rows: Sequence[Row]) -> str:
    """The largest difference and lowest agreement of the models; or the reason, if one fails."""
    # Of reasons that differ in numbers alone, as in the sizes of models, one says it.
    reasons: dict[str, str] = {}
    for row in rows:
        if row.reason:
            reasons.setdefault(re.sub(r"[0-9]+", "", row.reason), row.reason)
    if reasons:
        return f"no: {'; '.join(reasons.values())}"
    difference = max(row.difference for row in rows if row.difference is not None)
    same = min(row.top1_agreement for row in rows if row.top1_agreement is not None)
    tolerance = INT8_TOLERANCE if rows[0].kind in INTEGER_KINDS else FLOAT_TOLERANCE
    verdict = "same" if difference <= tolerance else "rounds otherwise"
    return f"{verdict}: {difference:.0e}, {same:.0%}"


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    header, lines = cells(rows)
    return markdown_table(header, lines)


def update(path: Path, text: str | None) -> None:
    """Replaces what stands between the two marks of a Markdown file; `None` only looks for them."""
    content = path.read_text(encoding="utf-8")
    if content.count(BEGIN) != 1 or content.count(END) != 1:
        raise ValueError(f"'{path}' must hold the lines {BEGIN!r} and {END!r} once each.")
    if text is None:
        return
    before, rest = content.split(BEGIN)
    after = rest.split(END)[1]
    write_bytes(path, f"{before}{BEGIN}\n{text}\n{END}{after}".encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    names = [runtime.script_name for runtime in OTHERS]
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.compatibility",
        description="Which runtimes load the exported files, and give the same scores.",
        epilog="Example: python -m keras_reparam.benchmarks.compatibility --runtimes tensorflow",
    )
    parser.add_argument(
        "models", nargs="*", metavar="LIGHT.keras",
        help="merged waveform models; default: the light backbones with random weights",
    )  # fmt: skip
    parser.add_argument(
        "--runtimes", nargs="+", choices=names, default=names, metavar="NAME",
        help="of %(choices)s; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--cache",
        type=Path,
        default=user_cache() / "runtimes",
        help="folder of environments (%(default)s)",
    )
    parser.add_argument("--update", type=Path, metavar="FILE.md", help="write the table into it")
    parser.add_argument("--json", action="store_true", help="print every file's row as JSON")
    options = parser.parse_args(arguments)
    return exit_code(parser, lambda: measure_all(options))


def measure_all(options: argparse.Namespace) -> int:
    import_keras()
    if options.update:
        # Minutes of work shall not end with a file that can't take the table.
        update(options.update, None)
    waveforms = golden_clips(FRAMES * SAMPLE_RATE // 100, SAMPLE_RATE)
    models = saved_models(options.models) if options.models else random_models(waveforms)
    chosen = [r for r in OTHERS if r.script_name in options.runtimes]
    rows = run(models, chosen, options.cache)
    if options.update:
        update(options.update, markdown(rows))
    if options.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
    else:
        header, lines = cells(rows)
        table = Table(*header, title=f"Scores against {RUNTIMES[0].title}", show_lines=True)
        for line in lines:
            table.add_row(*map(Text, line))
        Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
