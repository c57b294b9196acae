"""The corpora that can be compared on, each prepared by its own recipe."""

import dataclasses
import functools
from pathlib import Path

from recipes.common.manifest import Segment, manifest_hash, read_manifest
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.recipe import Recipe
from recipes.common.settings import RecipeSettings
from recipes.common.store.layout import INDEX
from recipes.corpora import RECIPES

CORPORA = tuple(RECIPES)


@dataclasses.dataclass(frozen=True)
class PreparedCorpus:
    """A corpus as its recipe's `prepare` leaves it.

    Attributes:
        name: Of `CORPORA`.
        folder: With `manifest.csv` and `store/`.
    """

    name: str
    folder: Path

    @property
    def recipe(self) -> Recipe:
        """Its recipe."""
        return RECIPES[self.name]

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / "manifest.csv"

    @property
    def store(self) -> Path:
        """Its audio and features."""
        return self.folder / "store"

    def manifest_hash(self, settings: RecipeSettings) -> str:
        """SHA-256 of the manifest, as the folder of a run of such settings has it."""
        return manifest_hash(self.manifest, self.task(settings).target)

    @functools.cached_property
    def segments(self) -> list[Segment]:
        """What is listed in the manifest.

        Raises:
            FileNotFoundError: If the corpus is not prepared.
        """
        if not self.manifest.is_file() or not (self.store / INDEX).is_file():
            raise FileNotFoundError(
                f"{self.recipe.title} is not prepared in '{self.folder}': run `python -m "
                f"recipes.{self.name} prepare --data DIR --out {self.folder}` first"
            )
        return read_manifest(self.manifest)

    def task(self, settings: RecipeSettings) -> Task:
        """What is to be told of a clip."""
        return self.recipe.task_of(settings, self.segments)

    def folds(self, settings: RecipeSettings) -> list[Fold]:
        """Who trains, validates and tests."""
        return self.recipe.folds_of(self.segments, settings)


def prepared_corpus(name: str, root: Path) -> PreparedCorpus:
    """A corpus that is prepared in `root/<name>`, where recipes do so by default."""
    return PreparedCorpus(name, root / name)
