"""Makes the preset."""

from pathlib import Path

from recipes.common.files.folders import replaced
from recipes.common.teacher.hub import whisper_backbone
from recipes.teachers.whisper.ctranslate2 import read_ctranslate2
from recipes.teachers.whisper.weights import WhisperWeights

MODEL = "model.bin"


def write_preset(package: Path, preset: Path) -> int:
    """Writes a preset of `keras_hub.models.WhisperBackbone`, whole or not at all.

    Args:
        package: Folder in which, at any depth, the one `model.bin` of CTranslate2 lies.
        preset: The preset's folder; what a former call wrote there is replaced.

    Returns:
        The number of weights.

    Raises:
        FileNotFoundError: If there is no `model.bin`, or KerasHub is not installed.
        FileExistsError: If `preset` is there, and no preset.
        ValueError: If there are several `model.bin`, or the one is damaged or no Whisper.
    """
    if preset.exists() and not (preset / "metadata.json").is_file():
        raise FileExistsError(
            f"`--out` must be a new folder, or a preset that is replaced. Received: '{preset}', "
            "which holds something else"
        )
    weights = WhisperWeights(read_ctranslate2(_model_file(package)))
    backbone = whisper_backbone()(**weights.config(), name="whisper_backbone")
    values = weights.by_path()
    variables = {variable.path: variable for variable in backbone.variables}
    if different := variables.keys() ^ values.keys():
        raise ValueError(
            "The model and KerasHub's `WhisperBackbone` must have the same weights. Received "
            f"some that one of them alone has: {', '.join(sorted(different)[:3])}"
        )
    for path, variable in variables.items():
        if tuple(variable.shape) != values[path].shape:
            raise ValueError(
                f"'{path}' must have the shape {tuple(variable.shape)}. Received: "
                f"{values[path].shape}"
            )
    for path, variable in variables.items():
        variable.assign(values[path])
    preset.parent.mkdir(parents=True, exist_ok=True)
    with replaced(preset) as beside:
        backbone.save_to_preset(str(beside))
    return backbone.count_params()


def _model_file(package: Path) -> Path:
    found = sorted(package.rglob(MODEL)) if package.is_dir() else []
    if len(found) != 1:
        error = ValueError if found else FileNotFoundError
        raise error(
            f"`--from-package` must be the folder of an unpacked package with one {MODEL} in it. "
            f"Received: '{package}', with {len(found)}"
        )
    return found[0]
