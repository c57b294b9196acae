"""The command `python -m recipes.teachers.features`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import Parser, at_least, exit_code, leave, starting_keras
from recipes.common.manifest import read_manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a folder of features; returns the exit code."""
    parser = Parser(
        prog="python -m recipes.teachers.features",
        description="Writes what layers of a Whisper's encoder make of the clips of a manifest: a "
        ".npy of each, (layers, frames, width) in float16, as `backbone=frozen features=FOLDER` "
        "takes it. Clips that are there already are not heard again.",
        epilog="Example: python -m recipes.teachers.features --teacher presets/whisper_tiny_en "
        "--manifest runs/emodb/manifest.csv --data ~/emodb --out features/whisper",
    )
    parser.add_argument(
        "--teacher", required=True, metavar="PRESET", help="name or folder of a preset of KerasHub"
    )
    parser.add_argument(
        "--layers",
        type=at_least(1),
        nargs="+",
        metavar="N",
        help="encoder layers, counted from 1; one more than there are: the final normalisation "
        "(default: all of them)",
    )
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="FILE.csv", help="the clips, of `prepare`"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the corpus")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the features")
    options = parser.parse_args(arguments)
    return exit_code("features", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    segments = read_manifest(options.manifest)
    if not options.data.is_dir():
        raise FileNotFoundError(f"There is no folder '{options.data}' with the corpus's audio")
    with starting_keras():
        from rich.console import Console

        from recipes.common.frozen.write_features import write_features
        from recipes.common.teacher.whisper_encoder import WhisperEncoder
    encoder = WhisperEncoder(options.teacher, options.layers)
    write_features(encoder, segments, options.data, options.out, Console())
    print(
        f"{len(segments):,} clips' features lie in '{options.out}': `backbone=frozen "
        f"features={options.out}` in a recipe"
    )
    return 0


if __name__ == "__main__":
    leave(main())
