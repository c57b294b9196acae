"""The folder of a run: one set of settings, all folds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from recipes.common.files.folders import remove_leftovers
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import CONFIG, RUN
from recipes.common.settings import RecipeSettings


class RunFolder:
    """What ran, and what came out of it.

    `config.json` has all settings, and can be given as `--config`; `run.json` the class names and
    the manifest's hash; `fold-<name>/` what each fold gave.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path):
        self.path = path

    def fold(self, name: str) -> Path:
        """The folder of a fold."""
        # Names of folds are the user's in a corpus of one's own.
        return self.path / f"fold-{quote(name, safe=' ')}"

    def begin(
        self, settings: RecipeSettings, *, recipe: str, labels: Sequence[str], manifest: str
    ) -> None:
        """Writes what is about to run, or checks that it is what ran here before.

        What a killed process left half-written is removed; the folder's lock must be held.

        Args:
            settings: All of them.
            recipe: The recipe's name.
            labels: Names of what its models give, in their order: of classes these.
            manifest: SHA-256 of the manifest.

        Raises:
            ValueError: If the folder is of another run; what differs is named.
        """
        config = settings.model_dump(mode="json")
        about = {"recipe": recipe, "labels": list(labels), "manifest_sha256": manifest}
        remove_leftovers(self.path)
        if not (self.path / CONFIG).exists():
            write_json(self.path / RUN, about)
            write_json(self.path / CONFIG, config)
            return
        # A setting that there was not yet had no other value than its default.
        defaults = {name: field.default for name, field in type(settings).model_fields.items()}
        before = {**defaults, **self._read(CONFIG), **self._read(RUN)}
        now = {**config, **about}
        different = [
            f"{name} was {before.get(name)!r} and is {now[name]!r}"
            for name in now
            if before.get(name) != now[name]
        ]
        if different:
            raise ValueError(
                f"'{self.path}' is of another run: {'; '.join(different)}. Give another --run, or "
                "delete that folder"
            )

    def config(self) -> dict:
        """The settings that ran here.

        Raises:
            FileNotFoundError: If nothing ran here.
        """
        return self._read(CONFIG)

    def labels(self) -> tuple[str, ...]:
        """Names of what its models give, in their order: of classes these."""
        return tuple(self._read(RUN)["labels"])

    def _read(self, name: str) -> dict:
        path = self.path / name
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no run in '{self.path}' ({name} is not there). Train it first"
            )
        return read_json(path, dict[str, Any])


def run_name(settings: RecipeSettings) -> str:
    """What a run's folder is called, unless the user says otherwise."""
    hrf = f"hrf{settings.expansion}" if settings.expansion else "plain"
    task = f"{quote(settings.task_name, safe=' ')}-" if settings.task_name else ""
    return f"{task}{settings.backbone}-{settings.size}-{hrf}-seed{settings.seed}"
