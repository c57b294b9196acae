"""The stages of a run after the corpus is prepared: training, evaluation, export."""

import contextlib
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from keras_reparam.audio import LogMel
from recipes.common.corpus import Corpus
from recipes.common.lock import exclusive
from recipes.common.manifest import read_manifest
from recipes.common.protocol import Fold
from recipes.common.recipe import Recipe
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.common.training.train import is_trained, train_fold


class Stages:
    """What can be done with one run.

    Args:
        recipe: The corpus.
        settings: What the run depends on.
        run: Its folder.
        manifest: The corpus's manifest.
        store: Its store.
        folds: Names of folds; `None`: all.
        console: Where to report.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: RecipeSettings,
        run: RunFolder,
        *,
        manifest: Path,
        store: Path,
        folds: Sequence[str] | None,
        console: Console,
    ):
        self._recipe, self._settings, self._run = recipe, settings, run
        self._manifest, self._store, self._chosen = manifest, store, folds
        self._console = console

    def train(self) -> None:
        """Trains the folds that are not trained yet."""
        with self._begun():
            for number, fold in enumerate(self._folds, start=1):
                folder = self._run.fold(fold.name)
                if is_trained(folder):
                    continue
                self._say(f"Fold {fold.name} ({number} of {len(self._folds)})")
                train_fold(self._corpus, fold, self._labels, self._settings, folder, self._console)

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        """Within it the run's folder is this process's alone, and of these settings."""
        hash = hashlib.sha256(self._manifest.read_bytes()).hexdigest()
        # What is wrong with the clips or the folds is said before anything is written.
        labels, _ = self._labels, self._folds
        self._run.path.mkdir(parents=True, exist_ok=True)
        with exclusive(self._run.path):
            self._run.begin(self._settings, recipe=self._recipe.name, labels=labels, manifest=hash)
            yield

    @functools.cached_property
    def _segments(self):
        return read_manifest(self._manifest)

    @functools.cached_property
    def _labels(self) -> tuple[str, ...]:
        return self._recipe.labels_of(self._settings, self._segments)

    @functools.cached_property
    def _folds(self) -> list[Fold]:
        folds = self._recipe.folds_of(self._segments, self._settings)
        if self._chosen is None:
            return folds
        names = [fold.name for fold in folds]
        unknown = [name for name in self._chosen if name not in names]
        if unknown:
            raise ValueError(f"Folds are {', '.join(names)}. Received: {', '.join(unknown)}")
        return [fold for fold in folds if fold.name in self._chosen]

    @functools.cached_property
    def _corpus(self) -> Corpus:
        return Corpus(self._store, LogMel())

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
