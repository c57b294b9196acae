"""How the models of a benchmark do on the other corpora that have their task."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.benchmark.folder import Comparison
from recipes.common.corpus import Corpus
from recipes.common.files.json_file import read_json, write_json
from recipes.common.front_end import create_front_end
from recipes.common.frozen.example_moments import ExampleMoments
from recipes.common.frozen.features_of import features_of
from recipes.common.frozen.frozen_head import read_head
from recipes.common.manifest import limited
from recipes.common.names import LIGHT
from recipes.common.protocol.examples import cross_corpus_examples
from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Task
from recipes.common.results.decisions import decide, decided
from recipes.common.results.evaluation import Scores, scores_by
from recipes.common.run_folder import RunFolder
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.store import add_speeds
from recipes.common.store.store import Store
from recipes.compare.planning.corpora import PreparedCorpus, prepared_corpus
from recipes.compare.planning.run import Run

# About so many clips of the other corpus, evenly spaced over its speakers.
CLIPS = 600


def score_crossed(comparisons: Sequence[Comparison], prepared: Path, console: Console) -> None:
    """Scores one run of every model and seed, that of the first fold, on each other corpus.

    About 600 clips are heard, evenly spaced over the corpus's speakers, of those of which the run's
    task has a value. Nothing is chosen by it. What is scored is not scored again.

    Args:
        comparisons: Of the benchmark.
        prepared: Where the corpora are prepared.
        console: Where to report.
    """
    for each, others in _with_others(comparisons):
        for run in first_fold(each.runs):
            path = each.folder.done(run)
            if path is None:
                continue
            kept = each.folder.crossed(path)
            found = read_json(kept, dict[str, Any]) if kept.is_file() else {}
            missing = [other for other in others if other not in found]
            if not missing:
                continue
            console.print(f"{run.name}, {each.task}, on {', '.join(missing)}", highlight=False)
            for other in missing:
                found[other] = _scored(run, path, prepared, other, console)
                kept.parent.mkdir(exist_ok=True)
                write_json(kept, found)
            keras.utils.clear_session()


def first_fold(runs: Sequence[Run]) -> Iterator[Run]:
    """Those of the first fold of each model and seed."""
    seen = set()
    for run in runs:
        key = (run.settings.backbone, run.condition, run.settings.seed)
        if key not in seen:
            seen.add(key)
            yield run


def _with_others(
    comparisons: Sequence[Comparison],
) -> Iterator[tuple[Comparison, list[str]]]:
    """Each comparison with the other corpora that have a task of that name."""
    for each in comparisons:
        others = [o.corpus for o in comparisons if o.task == each.task and o.corpus != each.corpus]
        if others:
            yield each, others


def _scored(run: Run, path: Path, prepared: Path, other: str, console: Console) -> dict[str, Any]:
    """Number of clips, and the figure."""
    own, corpus = prepared_corpus(run.corpus, prepared), prepared_corpus(other, prepared)
    settings, task = run.settings, own.task(run.settings)
    segments = [s for s in corpus.segments if task.value_of(s) is not None]
    if not segments:
        return {"clips": 0}
    speakers = len({segment.speaker for segment in segments})
    segments = limited(segments, max(1, CLIPS // speakers), by=("speaker",))
    examples, _ = cross_corpus_examples(
        segments,
        task,
        examples_of=lambda found, task: own.recipe.examples_of(found, task, settings),
    )
    scores = _scores_of(run, path, task, corpus, console)(examples)
    found = decide(examples, scores, task, rule=settings.decision_rule)
    figures = task.evaluate(*decided(*found, task))
    return {"clips": len(examples), settings.figure: float(getattr(figures, settings.figure))}


def _scores_of(
    run: Run, path: Path, task: Task, corpus: PreparedCorpus, console: Console
) -> Scores:
    folder, settings = RunFolder(path).fold(run.fold), run.settings
    if settings.backbone != FROZEN:
        samples = _audio(corpus, settings, console).samples
        return scores_by(load_model(folder / LIGHT), samples, task, console)
    moments = ExampleMoments(features_of(settings, Store(corpus.store), console), console)
    head = read_head(folder)

    def scores(examples: Sequence[Example]):
        return task.scores(head(moments.of(examples)))

    return scores


def _audio(corpus: PreparedCorpus, settings: RecipeSettings, console: Console) -> Corpus:
    log_mel = create_front_end(settings)
    add_speeds(corpus.store, log_mel, [1.0], console)
    return Corpus(corpus.store, log_mel)
