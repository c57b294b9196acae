"""Builds the app with models of one's own: `python android_demo/build_app.py mine.tflite`."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_reparam.deploy import InspectionReport, inspect_tflite

DEMO = Path(__file__).resolve().parent
APK = DEMO / "app" / "target" / "app-debug.apk"
# 25 ms at 16 kHz, the least that the library takes for sound.
LEAST_SAMPLES = 400


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: that of Maven, or 2 if a model cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python android_demo/build_app.py",
        description="Check .tflite models, and build the app with them in place of the shipped "
        "ones. Several of the same labels, sample rate and window can be switched in the app.",
        epilog="Example: python android_demo/build_app.py mine_int8.tflite mine_float32.tflite",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="FILE.tflite")
    parser.add_argument(
        "--apk", type=Path, default=APK, metavar="FILE.apk", help=f"the app (default {APK})"
    )
    options = parser.parse_args(arguments)
    models = [path.resolve() for path in options.models]
    try:
        check(models)
        return build(models, options.apk.resolve())
    except (OSError, ValueError) as error:
        print(f"build_app.py: {error}", file=sys.stderr)
        return 2


def check(models: Sequence[Path]) -> None:
    """Raises an error that says why the app cannot run the models, or not all of them."""
    names = [path.name for path in models]
    if len(set(names)) < len(names):
        raise ValueError(f"Models must have different file names. Received: {', '.join(names)}")
    for path in models:
        if ":" in str(path) or path.suffix != ".tflite":
            raise ValueError(f"A path must end in .tflite and have no colon. Received: '{path}'")
    reports = [inspect_tflite(path) for path in models]
    problems = [f"'{r.path}': {problem}" for r in reports for problem in problems_of(r)]
    if problems:
        raise ValueError("\n  ".join(["The app cannot use this:", *problems]))
    kinds = {report.path: _kind(report) for report in reports}
    if len(set(kinds.values())) > 1:
        found = "; ".join(f"{Path(path).name}: {kind}" for path, kind in kinds.items())
        raise ValueError(
            "Models of one app must have the same labels, head, sample rate and window. "
            f"Received: {found}"
        )


def _kind(report: InspectionReport) -> str:
    about = report.metadata
    samples = report.inputs[0].shape[1]
    return f"{about.scoring.described}, {about.sample_rate} Hz, {samples} samples"


def problems_of(report: InspectionReport) -> list[str]:
    """Why the app cannot run a model; empty if it can."""
    problems = list(report.problems)
    inputs, outputs, about = report.inputs, report.outputs, report.metadata
    shapes = [tensor.shape for tensor in (*inputs, *outputs)]
    if {tensor.dtype for tensor in (*inputs, *outputs)} != {"float32"}:
        problems.append("input and output must be float32")
    if len(inputs) != 1 or len(shapes[0]) != 2 or shapes[0][0] != 1 or shapes[0][1] < LEAST_SAMPLES:
        problems.append(
            f"it must take one waveform [1, samples], its front end inside; it takes {shapes[0]}"
        )
    if not about.labels or about.sample_rate is None:
        problems.append(
            "labels and sample rate must be inside: kr.export_tflite(..., labels=, sample_rate=)"
        )
    elif len(outputs) != 1 or outputs[0].shape != (1, len(about.labels)):
        problems.append(f"it must give one row of {len(about.labels)} scores, one per label")
    return problems


def build(models: Sequence[Path], apk: Path) -> int:
    """Runs Maven; returns its exit code."""
    maven = shutil.which("mvn")
    if maven is None:
        raise FileNotFoundError("Maven is missing; what to install: android_demo/README.md")
    chosen = os.pathsep.join(map(str, models))
    command = [maven, "-B", "-f", DEMO / "pom.xml", "package", "-DskipTests"]
    settings = [f"-Dmodels={chosen}", f"-Dapk={apk}"]
    code = subprocess.run([*command, *settings], stdin=subprocess.DEVNULL).returncode
    if code == 0:
        print(f"\nThe app with your models: {apk}\nOn a phone: adb install -r {apk}")
    return code


if __name__ == "__main__":
    sys.exit(main())
