"""How the files of finished runs do on degraded clips of the speakers who validate."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_reparam as kr
from recipes.common.configuration import checked
from recipes.common.files.json_file import read_json, write_json
from recipes.common.manifest import limited
from recipes.common.names import file_name
from recipes.common.protocol.fold import Fold
from recipes.common.run_folder import RunFolder
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.store.store import Store
from recipes.common.store.stored_audio import StoredAudio
from recipes.compare.finished import check_manifest, read_planned
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import PreparedCorpus, prepared_corpus
from recipes.compare.tables.decision_count import INT8
from recipes.robustness.clips import Clips, by_speaker
from recipes.robustness.condition import Condition
from recipes.robustness.degraded import SEED, TESTS, conditions_of, ua_by_condition

CLIPS = 600


def score_degraded(
    folder: GridFolder,
    prepared: Path,
    *,
    tests: Sequence[str] = TESTS,
    clips: int = CLIPS,
    workers: int | None = None,
) -> int:
    """Scores the int8 file of every finished run that is not scored yet, as it is asked for.

    A run is scored on clips of its fold's validation speakers, as they are and in every condition;
    a babble is made of its training speakers, so nothing of a test speaker is heard. No window is
    taken for silence: that would be the classifier's doing, not the model's. What is found is kept
    in the comparison's folder, run by run. Which settings a run has is only asked where they say
    who validates: it may be of an earlier version.

    Args:
        folder: The comparison's.
        prepared: Where the corpora are prepared.
        tests: Names of tests or families of `recipes.robustness`.
        clips: About how many clips of a fold are heard, evenly spaced over its classes.
        workers: Processes; `None`: one for each core.

    Returns:
        How many runs are scored now.

    Raises:
        FileNotFoundError: If no run is finished, or a corpus is not prepared.
        ValueError: If a test is unknown, changes no clip or can't run here; nobody validates; or a
            run was made on another manifest.
    """
    conditions = conditions_of(tests)
    runs = [run for path in folder.finished() if (run := _FinishedRun(path, prepared)).has_file]
    if not runs:
        raise FileNotFoundError(f"No run is done in '{folder.path}': `run` them first")
    # In the order in which they run, so that what is scored at any time can be compared.
    runs.sort(key=lambda run: run.settings.seed)
    asked = {"tests": [c.name for c in conditions], "clips": clips, "seed": SEED}
    for number, run in enumerate(runs, start=1):
        kept, about = folder.degraded(run.path), {**asked, **run.made_of()}
        if kept.is_file() and read_json(kept, dict[str, Any])["about"] == about:
            continue
        found = run.score(
            conditions,
            clips,
            workers=workers,
            description=f"{number} of {len(runs)}: {run.name}",
        )
        kept.parent.mkdir(exist_ok=True)
        write_json(kept, {"about": about, **found})
    return len(runs)


class _FinishedRun:
    """A run that is done, and what of its corpus and its plan says who validates."""

    def __init__(self, path: Path, prepared: Path):
        self.path, about = path, read_planned(path)
        self._corpus = prepared_corpus(about["corpus"], prepared)
        self.settings = _known_settings(self._corpus, about["settings"])
        self._fold_name, self._variant = about["fold"], about.get("variant", "")
        self._model = RunFolder(path).fold(self._fold_name) / file_name(INT8)

    @property
    def has_file(self) -> bool:
        """Of a frozen teacher there is none."""
        return self.settings.backbone != FROZEN

    @property
    def name(self) -> str:
        """For people."""
        name = f"{self._corpus.name}, fold {self._fold_name}, seed {self.settings.seed}"
        return f"{name}, {self._variant}" if self._variant else name

    def made_of(self) -> dict[str, str]:
        """What of it decides on its scores."""
        check_manifest(self.path, self._corpus, self.settings)
        return {
            "model_sha256": hashlib.sha256(self._model.read_bytes()).hexdigest(),
            "manifest_sha256": self._corpus.manifest_hash(self.settings),
        }

    def score(self, conditions: Sequence[Condition], count: int, **options) -> dict[str, Any]:
        """Number of clips, and UA by condition."""
        clips = self._clips(kr.load_classifier(self._model).labels, count)
        return {
            "clips": len(clips.segments),
            "ua": ua_by_condition(self._model, clips, conditions, **options),
        }

    def _clips(self, labels: Sequence[str], count: int) -> Clips:
        task = self._corpus.task(self.settings)
        if "ua" not in task.figures:
            raise ValueError(
                f"Degraded clips are scored by UA, which classes have. Received: '{self.path}', "
                f"{task.described}"
            )
        fold, names = self._fold(), task.names
        truth = {s.id: names[e.label] for e in fold.validation for s in e.segments}
        segments = [segment for example in fold.validation for segment in example.segments]
        words = len({segment.label for segment in segments})
        segments = limited(segments, max(1, count // words), by=("label",))
        return Clips(
            read=StoredAudio(Store(self._corpus.store)),
            segments=segments,
            truth=[labels.index(truth[segment.id]) for segment in segments],
            left_out={},
            speech=by_speaker(s for example in fold.train for s in example.segments),
            recordings={},
        )

    def _fold(self) -> Fold:
        name = self._fold_name
        found = next((f for f in self._corpus.folds(self.settings) if f.name == name), None)
        if found is None or not found.validation:
            raise ValueError(
                f"There must be speakers who validate in every fold. Received: '{self.path}' of "
                f"fold {name} of {self._corpus.recipe.title}, in which there are none"
            )
        return found


def _known_settings(corpus: PreparedCorpus, planned: dict[str, Any]) -> RecipeSettings:
    """The settings of a run as far as there still are such."""
    kind = corpus.recipe.settings
    return checked(kind, {name: planned[name] for name in kind.model_fields if name in planned})
