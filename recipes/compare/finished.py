"""What a finished run's folder says that was run: is it what is planned now?"""

from pathlib import Path
from typing import Any

from recipes.common.files.former_names import existing, with_new_names
from recipes.common.files.json_file import read_json
from recipes.common.names import RUN, TRAINING
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.compare.planning.ablation_settings import CHANGES, MEASURED
from recipes.compare.planning.corpora import PreparedCorpus
from recipes.compare.planning.run import Run

PLANNED = "planned.json"


def read_planned(path: Path) -> dict[str, Any]:
    """What a finished run was planned as, and what it took, from its folder."""
    return with_new_names(read_json(existing(path, PLANNED), dict[str, Any]))


def check_manifest(path: Path, corpus: PreparedCorpus, settings: RecipeSettings) -> None:
    """Raises a `ValueError` if a finished run is of other clips than its corpus has now."""
    about = read_json(path / RUN, dict[str, Any])
    if about["manifest_sha256"] != corpus.manifest_hash(settings):
        raise ValueError(
            f"'{path}' was run on another manifest than '{corpus.manifest}': compare "
            "in another folder"
        )


def differences(run: Run, path: Path) -> list[str]:
    """In words, how what ran differs from what is planned; empty if it does not.

    Args:
        run: What is planned.
        path: The run's folder. `config.json` says what ran, `planned.json` what it was planned as,
            and the fold's `training.json` on which backend.
    """
    files = RunFolder(path)
    planned = run.settings.model_dump(mode="json")
    ran = {**planned, **CHANGES[run.ablation]}
    ran.pop(MEASURED.get(run.ablation), None)
    trained = read_json(files.fold(run.fold) / TRAINING, dict[str, Any])
    return [
        *_differences(ran, files.config()),
        *_differences(planned, read_planned(path)["settings"]),
        *_differences({"backend": run.backend}, trained),
    ]


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"`{name}` was {found[name]!r} and is {value!r}"
        if name in found
        else f"`{name}` is {value!r}, and was no setting yet"
        for name, value in expected.items()
        if name not in found or found[name] != value
    ]
