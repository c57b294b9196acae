"""What the setting `teacher` names."""

from pathlib import Path

from recipes.common.names import RUN

# What KerasHub writes into the folder of a preset, and what it calls those of Whisper.
_METADATA, _WHISPER = "metadata.json", "whisper_"


def is_preset(teacher: str) -> bool:
    """Whether it is the name or the folder of a KerasHub preset, and not the folder of a run."""
    folder = Path(teacher)
    if folder.is_dir():
        return (folder / _METADATA).is_file() and not (folder / RUN).is_file()
    return "://" in teacher or teacher.startswith(_WHISPER)
