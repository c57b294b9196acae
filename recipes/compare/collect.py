"""Gathers what is done into compact tables."""

import collections
import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recipes.common.files.json_file import read_json
from recipes.common.names import (
    HISTORY,
    PREDICTIONS,
    RESULTS,
    TRAINING,
    predictions_name,
)
from recipes.common.results.predictions import Predictions, read_predictions
from recipes.common.run_folder import RunFolder
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.tasks.saved import as_saved
from recipes.compare.finished import check_manifest, differences, read_planned
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import PreparedCorpus, prepared_corpus
from recipes.compare.planning.run import Run
from recipes.compare.tables.crossed_score import CrossedScore
from recipes.compare.tables.decision_count import INT4, INT8, KERAS, DecisionCount
from recipes.compare.tables.degraded_score import DegradedScore
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.overview import ComparedCorpus, Overview
from recipes.compare.tables.run_result import RunResult
from recipes.compare.tables.tables import ROWS, Tables, write_tables


def collect(runs: Sequence[Run], folder: GridFolder, prepared: Path, out: Path) -> None:
    """Writes the compact tables of the runs that are done, here or earlier elsewhere.

    Args:
        runs: All of the comparison.
        folder: Its folder.
        prepared: Where the corpora are prepared.
        out: Where to write them.

    Raises:
        FileNotFoundError: If no run is done.
        ValueError: If a run that is done had other settings than are planned, or another manifest
            than its corpus has now.
    """
    finished = [_FinishedRun(run, path) for run in runs if (path := folder.done(run))]
    earlier = _earlier(runs, folder)
    if not finished and not earlier:
        raise FileNotFoundError(
            f"No run of these settings is done in '{folder.path}' on the backend "
            f"{runs[0].backend} of Keras (KERAS_BACKEND): `run` them first"
        )
    corpora = {name: prepared_corpus(name, prepared) for name in {run.corpus for run in runs}}
    for each in finished:
        each.check(corpora[each.run.corpus])
    # The load is that of a moment.
    machine = finished[0].environment if finished else folder.earlier.grid.environment
    machine = {name: value for name, value in machine.items() if name != "load"}
    overview = Overview(
        corpora={name: _corpus(corpora[name], runs) for name in sorted(corpora)},
        settings=folder.grid().model_dump(mode="json"),
        runs=len(runs),
        environment=machine,
        tasks={name: saved for name in sorted(corpora) if (saved := _saved(corpora[name], runs))},
    )
    here = {
        "runs": [each.result() for each in finished],
        "decisions": [row for each in finished for row in each.decisions(corpora[each.run.corpus])],
        "curves": [row for each in finished for row in each.curve()],
        "degraded": [row for each in finished for row in each.degraded(folder)],
        "crossed": [row for each in finished for row in each.crossed(folder)],
    }
    rows = {name: (*earlier.get(name, ()), *found) for name, found in here.items()}
    write_tables(out, Tables(**rows, grid=overview))


def _corpus(corpus: PreparedCorpus, runs: Sequence[Run]) -> ComparedCorpus:
    settings = _settings(corpus, runs)
    return ComparedCorpus(
        title=corpus.recipe.title,
        labels=corpus.task(settings).names,
        notes=tuple(corpus.recipe.notes_of(settings)),
    )


def _saved(corpus: PreparedCorpus, runs: Sequence[Run]) -> dict[str, Any]:
    """What makes its task again."""
    return as_saved(corpus.task(_settings(corpus, runs)))


def _settings(corpus: PreparedCorpus, runs: Sequence[Run]) -> RecipeSettings:
    return next(run.settings for run in runs if run.corpus == corpus.name)


class _FinishedRun:
    """A run that is done, and its folder."""

    def __init__(self, run: Run, path: Path):
        self.run, self._path = run, path
        self._files = RunFolder(path)
        self._fold = self._files.fold(run.fold)
        self._trained = read_json(self._fold / TRAINING, dict[str, Any])
        # What was measured of each file, by its kind.
        self._exported = {}
        if run.settings.backbone != FROZEN:
            self._exported = read_json(self._fold / RESULTS, dict[str, Any])["files"]

    @property
    def environment(self) -> dict[str, Any]:
        """What it was trained on."""
        return self._trained["environment"]

    def check(self, corpus: PreparedCorpus) -> None:
        """Raises a `ValueError` if it was run otherwise, or on other clips than there are now."""
        if found := differences(self.run, self._path):
            raise ValueError(
                f"'{self._path}' is of another run than the one it is named after: "
                f"{'; '.join(found)}. Delete that folder, and `run` again"
            )
        check_manifest(self._path, corpus, self.run.settings)

    def result(self) -> RunResult:
        """Its row in `runs.csv`."""
        run, settings = self.run, self.run.settings
        trained, exported = self._trained, self._exported
        names = {field.name for field in dataclasses.fields(RunResult)}
        found = {f"val_{name}": value for name, value in trained["validation"].items()}
        validation = {name: value for name, value in found.items() if name in names}
        return RunResult(
            run=run.id,
            corpus=run.corpus,
            backbone=settings.backbone,
            size=settings.size,
            expansion=settings.expansion,
            factors=settings.factors,
            optimizer=settings.optimizer,
            learning_rate=run.learning_rate,
            ablation=run.ablation,
            seed=settings.seed,
            fold=run.fold,
            select_on=settings.figure,
            # Of an ablation as many as it was given, not those of its HRF.
            epochs=self._files.config()["epochs"],
            chosen_epoch=trained["chosen_epoch"],
            **validation,
            parameters_training=trained["parameters"]["training"],
            parameters_merged=trained["parameters"]["merged"],
            macs=read_planned(self._path)["macs"],
            int8_bytes=exported.get("int8", {}).get("bytes"),
            int8_milliseconds=_milliseconds(exported, "int8"),
            float_milliseconds=_milliseconds(exported, "float32"),
            seconds=trained["seconds"],
            clips_per_second=trained["clips_per_second"],
            quantizer=settings.quantizer or "",
            int4_bytes=exported.get(INT4, {}).get("bytes"),
            variant=run.variant,
        )

    def decisions(self, corpus: PreparedCorpus) -> Iterator[DecisionCount]:
        """Its rows in `decisions.csv`."""
        task = corpus.task(self.run.settings)
        keras = read_predictions(self._fold / PREDICTIONS, task)
        headline = keras.where(split=keras.split[0].item())
        yield from self._counts(KERAS, headline)
        # No table shows what other files decide.
        for kind in (INT8, INT4):
            if kind in self._exported:
                path = self._fold / predictions_name(kind)
                yield from self._counts(kind, read_predictions(path, task))

    def _counts(self, form: str, predictions: Predictions) -> Iterator[DecisionCount]:
        word = predictions.task.word
        triples = zip(
            predictions.speaker.tolist(),
            map(word, predictions.truth.tolist()),
            map(word, predictions.predicted.tolist()),
            strict=True,
        )
        for (speaker, truth, predicted), count in sorted(collections.Counter(triples).items()):
            yield DecisionCount(
                run=self.run.id,
                form=form,
                speaker=speaker,
                label=truth,
                prediction=predicted,
                count=count,
            )

    def curve(self) -> Iterator[Epoch]:
        """Its rows in `curves.csv`."""
        columns = ("loss", "val_loss", "val_ua", "val_map", "val_ccc")
        with (self._fold / HISTORY).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield Epoch(
                    run=self.run.id,
                    epoch=int(row["epoch"]),
                    **{name: float(row[name]) for name in columns if name in row},
                )

    def crossed(self, folder: GridFolder) -> Iterator[CrossedScore]:
        """Its rows in `crossed.csv`; none if it was not scored so."""
        kept = folder.crossed(self._path)
        found = read_json(kept, dict[str, Any]) if kept.is_file() else {}
        for corpus, scored in found.items():
            if scored["clips"]:
                yield CrossedScore(
                    run=self.run.id,
                    corpus=corpus,
                    clips=scored["clips"],
                    score=scored[self.run.settings.figure],
                )

    def degraded(self, folder: GridFolder) -> Iterator[DegradedScore]:
        """Its rows in `degraded.csv`; none if it was not scored so."""
        kept = folder.degraded(self._path)
        if kept.is_file():
            found = read_json(kept, dict[str, Any])
            for condition, ua in found["ua"].items():
                yield DegradedScore(
                    run=self.run.id, condition=condition, clips=found["clips"], ua=ua
                )


def _earlier(runs: Sequence[Run], folder: GridFolder) -> dict[str, list[Any]]:
    """Rows of those planned runs that were done elsewhere, by the tables' names."""
    wanted = {run.id for run in runs if not folder.done(run)}
    if folder.earlier is None or not wanted & {each.run for each in folder.earlier.runs}:
        return {}
    return {
        name: [row for row in getattr(folder.earlier, name) if row.run in wanted] for name in ROWS
    }


def _milliseconds(exported: dict[str, Any], kind: str) -> float | None:
    return exported[kind]["milliseconds"]["median"] if kind in exported else None
