"""The command `keras-reparam`.

Exit code 0; 1 if a check failed; 2 for bad use or bad input, with one line that says what to do.
"""

import argparse
import dataclasses
import importlib
import json
import os
import signal
import sys
import types
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text

from keras_reparam._utils.files import checked_target, print_any_name, written_beside
from keras_reparam.audio.silence import SILENCE_DECIBELS
from keras_reparam.deploy.tflite.kinds import CALIBRATED, HEADS, KINDS, SUB_BYTE

CHECK_FAILED, BAD_INPUT = 1, 2


class _Parser(argparse.ArgumentParser):
    """Bad use is one line, as bad input is."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


class _Screen(Console):
    """A closed pipe is `main`'s to handle; rich would exit with code 1, that of a failed check."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    # Before TensorFlow is imported: it logs to the user's screen otherwise.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    print_any_name()
    try:
        options = _parser().parse_args(arguments)
        code = options.run(options)
        # What is still buffered may meet a closed pipe: here it is caught.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone (`| head`); the interpreter's own last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (ValueError, TypeError, OSError, ImportError, zipfile.BadZipFile) as error:
        return _fail(error)


def _fail(error: Exception) -> int:
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"keras-reparam: {text}", file=sys.stderr)
    # The class is asked for by name: its module would import Keras for a command without it.
    return CHECK_FAILED if type(error).__name__ == "MergeError" else BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="keras-reparam",
        description="Train wide, deploy light: HRF layers, merging, .tflite files, and speech.",
        epilog="Example: keras-reparam classify clip.wav",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, run: Any, help: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help, description=help, epilog=f"Example: keras-reparam {name} {example}"
        )
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print JSON, for programs")
        if name in ("summary", "expand", "merge", "export", "verify"):
            sub.add_argument(
                "--import",
                dest="imports",
                action="append",
                default=[],
                metavar="MODULE",
                help="Python module with the model's own classes, e.g. my_layers for my_layers.py",
            )
        return sub

    sub = command("summary", _summary, "List a model's linear layers.", "model.keras")
    sub.add_argument("model", metavar="MODEL.keras")

    sub = command("expand", _expand, "Add HRF to a model.", "model.keras -o train.keras")
    sub.add_argument("model", metavar="MODEL.keras")
    sub.add_argument("-o", "--output", required=True, metavar="TRAIN.keras")
    sub.add_argument("--expansion", type=int, default=4, help="inner rank / units (default 4)")
    sub.add_argument("--filters", metavar="REGEX", help="which layers, by path; default: FFNs")

    sub = command("merge", _merge, "Make the light model.", "train.keras -o light.keras")
    sub.add_argument("model", metavar="TRAIN.keras")
    sub.add_argument("-o", "--output", required=True, metavar="LIGHT.keras")

    sub = command(
        "export",
        _export,
        "Write a .tflite file.",
        "light.keras -o ser.tflite --calibration clips/ --labels anger,joy",
    )
    sub.add_argument("model", metavar="LIGHT.keras")
    sub.add_argument("-o", "--output", required=True, metavar="SER.tflite")
    sub.add_argument(
        "--quantization",
        choices=KINDS,
        default="int8",
        help="kind: %(choices)s (default int8; int8 and int8_full need --calibration)",
    )
    sub.add_argument(
        "--sub-byte",
        choices=SUB_BYTE,
        help="int2: 2 bits a weight for linear layers of at most three values a channel; the file "
        "then needs the runtime 2.21",
    )
    sub.add_argument(
        "--head",
        choices=HEADS,
        default="softmax",
        help="what makes scores of the logits: softmax for one of several classes (default), "
        "sigmoid for one yes or no, or for classes of which several may be true, linear for values",
    )
    sub.add_argument(
        "--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of values, which need it"
    )
    sub.add_argument("--unit", default="", metavar="UNIT", help="of values, for instance years")
    sub.add_argument(
        "--calibration",
        metavar="CLIPS",
        help="folder of audio files, or CSV with a column `path`, or .npy (clips, ...)",
    )
    labels = sub.add_mutually_exclusive_group()
    labels.add_argument("--labels", metavar="A,B,C", help="class names in the order of the scores")
    labels.add_argument(
        "--labels-file", metavar="LABELS.txt", help="file of class names, one a line, in that order"
    )
    sub.add_argument(
        "--sample-rate", type=int, metavar="HZ", help="default: what the model's front end takes"
    )
    sub.add_argument(
        "--clip-seconds", type=float, metavar="S", help="length of the input, for any-length models"
    )
    sub.add_argument(
        "--unsure-below",
        type=float,
        default=0.0,
        metavar="P",
        help="below this highest probability, 0 to 1, an answer is unsure (default 0: none is)",
    )

    sub = command(
        "inspect",
        _inspect,
        "Say what is in a .tflite file; exit code 1 if a phone can't run it.",
        "ser.tflite",
    )
    sub.add_argument("file", metavar="SER.tflite")

    sub = command(
        "verify",
        _verify,
        "Compare a .tflite file with its model, on clips.",
        "ser.tflite --against light.keras --clips clips.csv",
    )
    sub.add_argument("file", metavar="SER.tflite")
    sub.add_argument("--against", required=True, metavar="LIGHT.keras", help="its merged model")
    sub.add_argument(
        "--clips",
        required=True,
        metavar="CLIPS",
        help="folder of audio files, or CSV with a column `path`; if it has a column `label` too, "
        "the accuracy is compared. Of each clip the model's window is heard",
    )
    sub.add_argument(
        "--operators", action="store_true", help="compare every operator, though all agrees"
    )

    sub = command(
        "benchmark",
        _benchmark,
        "Measure latency, memory and size of .tflite files.",
        "ser_float32.tflite ser_int8.tflite",
    )
    sub.add_argument("files", nargs="+", metavar="FILE", help="the first one is the reference")
    sub.add_argument(
        "--rounds", type=int, default=200, metavar="N", help="inferences of each (default 200)"
    )
    sub.add_argument("--profile", action="store_true", help="time the operators too")

    sub = command("classify", _classify, "Score speech.", "clip.wav --model ser.tflite")
    sub.add_argument("clips", nargs="+", metavar="CLIP", help="audio file of any length, or -")
    sub.add_argument("--model", metavar="SER.tflite", help="default: the model of this package")
    _add_silence(sub)

    sub = command(
        "demo",
        _demo,
        "Listen in the browser: serve a page that runs a .tflite file, on this machine alone.",
        "ser.tflite",
    )
    sub.add_argument(
        "file", nargs="?", metavar="SER.tflite", help="default: the model of this package"
    )
    sub.add_argument("--port", type=int, default=0, help="default: one that is free")
    sub.add_argument(
        "--no-open", dest="open", action="store_false", help="don't open a browser, say the address"
    )
    _add_silence(sub)

    sub = command(
        "listen",
        _listen,
        "Score what a microphone hears, every half second, until Ctrl-C; --json: a line each.",
        "ser.tflite --device usb",
    )
    sub.add_argument(
        "file", nargs="?", metavar="SER.tflite", help="default: the model of this package"
    )
    sub.add_argument(
        "--device", metavar="NAME", help="number or part of the name; default: the system's"
    )
    sub.add_argument("--list-devices", action="store_true", help="name the microphones and end")
    _add_silence(sub)
    return parser


def _add_silence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--silence-decibels",
        type=float,
        default=SILENCE_DECIBELS,
        metavar="DBFS",
        help="windows whose loudest tenth of a second is below this level are silence (default "
        f"{SILENCE_DECIBELS:g})",
    )


def _load_model(path: str, imports: Sequence[str]) -> Any:
    """A saved model; it may come from anywhere, so no code in it is run."""
    from keras_reparam._utils.quiet import quiet

    # Importing TensorFlow logs; so the block is short, and shows all if the import fails.
    with quiet():
        from keras_reparam.deploy.conversion.saved_model import load_model
    custom_objects = {}
    for name in imports:
        custom_objects |= _classes_and_functions(name)
    return load_model(path, custom_objects=custom_objects)


def _classes_and_functions(module: str) -> dict[str, Any]:
    # The installed command does not look into the current folder, as `python -m` does.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        content = vars(importlib.import_module(module))
    except Exception as error:
        raise ValueError(
            f"--import {module}: {error}. Expected the name of a Python module in this folder or "
            "installed, without .py"
        ) from error
    return {
        name: thing
        for name, thing in content.items()
        if isinstance(thing, types.FunctionType) or hasattr(thing, "from_config")
    }


def _save_model(model: Any, target: Path) -> None:
    with written_beside(target) as beside:
        model.save(beside)


def _print(options: argparse.Namespace, table: Any, content: Any) -> None:
    if options.json:
        print(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        _Screen().print(table)


def _summary(options: argparse.Namespace) -> int:
    model = _load_model(options.model, options.imports)
    from keras_reparam.transforms import summary

    found = summary(model)
    _print(options, found, dataclasses.asdict(found))
    return 0


def _expand(options: argparse.Namespace) -> int:
    target = checked_target(options.output, ".keras", "--output")
    model = _load_model(options.model, options.imports)
    from keras_reparam.transforms import expand, summary

    expanded = expand(model, expansion=options.expansion, filters=options.filters)
    _save_model(expanded, target)
    found = summary(expanded)
    _print(options, found, {"output": options.output, **dataclasses.asdict(found)})
    return 0


def _merge(options: argparse.Namespace) -> int:
    target = checked_target(options.output, ".keras", "--output")
    model = _load_model(options.model, options.imports)
    from keras_reparam.transforms import merge, summary

    merged = merge(model)
    _save_model(merged, target)
    found = summary(merged)
    _print(options, found, {"output": options.output, **dataclasses.asdict(found)})
    return 0


def _export(options: argparse.Namespace) -> int:
    target = checked_target(options.output, ".tflite", "--output")
    if options.quantization in CALIBRATED and options.calibration is None:
        raise ValueError(
            f"The kind {options.quantization} needs --calibration CLIPS: a folder of clips, or a "
            "CSV with a column `path`, as the model will meet them. Or give --quantization float32."
        )
    labels = _labels(options)
    model = _load_model(options.model, options.imports)
    from keras_reparam.deploy.conversion.export import export_tflite

    data = None if options.calibration is None else _calibration(model, options)
    report = export_tflite(
        model,
        target,
        quantization=options.quantization,
        sub_byte=options.sub_byte,
        head=options.head,
        unit=options.unit,
        value_range=options.range,
        representative_data=data,
        labels=labels,
        sample_rate=options.sample_rate,
        clip_seconds=options.clip_seconds,
        unsure_below=options.unsure_below,
    )
    _print(options, report, report.as_dict())
    return 0


def _labels(options: argparse.Namespace) -> Sequence[str] | None:
    if options.labels is not None:
        return [label.strip() for label in options.labels.split(",")]
    if options.labels_file is None:
        return None
    from keras_reparam.deploy.tflite.label_file import read_labels

    labels, remarks = read_labels(Path(options.labels_file).read_bytes())
    if not labels:
        raise ValueError(
            f"--labels-file must name a class a line. Received: '{options.labels_file}', which is "
            "empty"
        )
    for remark in remarks:
        print(f"keras-reparam: warning: '{options.labels_file}': {remark}", file=sys.stderr)
    return labels


def _calibration(model: Any, options: argparse.Namespace) -> Any:
    from keras_reparam.audio.clip_listing import load_array, load_clips
    from keras_reparam.deploy.conversion.export_checks import checked_sample_rate, clip_samples
    from keras_reparam.deploy.conversion.one_output import file_shape

    if options.calibration.endswith(".npy"):
        return load_array(options.calibration)
    shape = file_shape(model)
    if len(shape) != 1:
        raise ValueError(
            "Clips can calibrate a model that takes a waveform (batch, samples). Put the front "
            "end before it: `keras_reparam.models.with_front_end(model, log_mel)`; or give "
            "features as a .npy file of shape (clips, frames, mels). "
            f"Received: input shape {(None, *shape)}"
        )
    rate = checked_sample_rate(model, options.sample_rate)
    if rate is None:
        raise ValueError("The model does not say which sample rate it takes: give --sample-rate.")
    (window,) = shape
    if window is None:
        if options.clip_seconds is None:
            raise ValueError("The model takes clips of any length: give --clip-seconds.")
        window = clip_samples(shape, rate, options.clip_seconds)
    return load_clips(options.calibration, window=window, sample_rate=rate)


def _inspect(options: argparse.Namespace) -> int:
    from keras_reparam.deploy.inspection.inspect_model import inspect_tflite

    report = inspect_tflite(options.file)
    _print(options, report, {**dataclasses.asdict(report), "passed": report.passed})
    return 0 if report.passed else CHECK_FAILED


def _verify(options: argparse.Namespace) -> int:
    from keras_reparam.deploy.runtime.runtime import Runtime
    from keras_reparam.deploy.tflite.metadata import read_metadata
    from keras_reparam.deploy.tflite.tflite_buffers import read_model

    # What is wrong with the file is told before Keras is imported, which takes seconds.
    content = read_model(options.file)
    about = read_metadata(content)
    shape = Runtime(content, origin=f"'{options.file}'").input_shape
    if len(shape) != 2 or about.sample_rate is None:
        raise ValueError(
            f"'{options.file}' does not say that it takes a waveform, and at which sample rate; "
            "`keras_reparam.verify_tflite` compares such files from Python. "
            f"Received: input shape {list(shape)}"
        )
    model = _load_model(options.against, options.imports)
    from keras_reparam._utils.progress import track
    from keras_reparam.audio.clip_listing import find_clips, find_labels
    from keras_reparam.deploy.verification.verify import verify_tflite

    clips = track(find_clips(options.clips), "Comparing")
    report = verify_tflite(
        options.file,
        model,
        (clip.load(window=shape[1], sample_rate=about.sample_rate) for clip in clips),
        truth=find_labels(options.clips, about.labels) if about.labels else None,
        operators=options.operators,
    )
    _print(options, report, report.as_dict())
    return 0 if report.passed else CHECK_FAILED


def _benchmark(options: argparse.Namespace) -> int:
    from keras_reparam.benchmarks.files import benchmark_tflite

    report = benchmark_tflite(options.files, rounds=options.rounds, profile=options.profile)
    _print(options, report, dataclasses.asdict(report))
    return 0


def _classify(options: argparse.Namespace) -> int:
    from keras_reparam.deploy.runtime.classifier import load_classifier

    classifier = load_classifier(options.model, silence_decibels=options.silence_decibels)
    console, errors = _Screen(), _Screen(stderr=True)
    results, code = [], 0
    for clip in options.clips:
        try:
            # Hours of audio take a while; a terminal shows that something happens.
            with errors.status(Text(f"Listening to {Path(clip).name}")):
                result = classifier.classify_file(clip)
        except (ValueError, TypeError, OSError) as error:
            # The other clips are still worth hearing.
            code = _fail(error)
            continue
        if options.json:
            results.append({"file": clip, **result.as_dict()})
        else:
            console.print(result.table(title=clip))
    if options.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    return code


def _demo(options: argparse.Namespace) -> int:
    from keras_reparam.demo.command import demo

    demo(
        options.file,
        port=options.port,
        open_browser=options.open,
        silence_decibels=options.silence_decibels,
        as_json=options.json,
    )
    return 0


def _listen(options: argparse.Namespace) -> int:
    from keras_reparam.microphone.command import listen, show_devices

    if options.list_devices:
        show_devices(_Screen(), as_json=options.json)
        return 0
    listen(
        options.file,
        _Screen(),
        device=options.device,
        silence_decibels=options.silence_decibels,
        as_json=options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
