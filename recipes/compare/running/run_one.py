"""One run of a comparison: trained, scored, exported."""

import datetime
import os
import platform
import time
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from recipes.common.files.json_file import read_json, write_json
from recipes.common.front_end import create_front_end
from recipes.common.names import CONFIG, DEFAULT_KINDS, file_name
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.common.stages import Stages
from recipes.compare.finished import PLANNED
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import PreparedCorpus
from recipes.compare.planning.run import Run
from recipes.compare.running.ablations import settings_of
from recipes.compare.running.cost import cost_of_expansion
from recipes.compare.tables.decision_count import INT4

_FRAMES = 400


def run_one(run: Run, folder: GridFolder, corpus: PreparedCorpus) -> bool:
    """Trains, scores and exports one run; returns whether it is done now.

    Where it is done already nothing happens. An attempt that was stopped or killed goes on from
    its last epoch, and ends as if it had not been. All that is printed goes into the run's log;
    an error, too, and the run is noted as failed.

    Args:
        run: What to run.
        folder: Of the comparison.
        corpus: Of the run.

    Raises:
        BlockingIOError: If another process is at it.
    """
    if folder.done(run):
        return True
    with folder.attempt(run) as path, folder.log(run).open("a", encoding="utf-8") as log:
        # Another process may have ended it in the meantime.
        if folder.done(run):
            folder.forget(run)
            return True
        console = Console(file=log, width=100)
        console.print(f"{_now()}: {run.name}, process {os.getpid()} on {platform.node()}")
        try:
            _run(run, folder, corpus, path, console)
        # Whatever it is, it must not end the other runs.
        except Exception as error:
            traceback.print_exc(file=log)
            folder.fail(run, " ".join(str(error).split()) or type(error).__name__)
            return False
        folder.publish(run)
        console.print(f"{_now()}: done")
        return True


def _run(
    run: Run, folder: GridFolder, corpus: PreparedCorpus, path: Path, console: Console
) -> None:
    start = time.monotonic()
    settings = _settings(run, folder, corpus, path)
    files = RunFolder(path)
    stages = Stages(
        corpus.recipe,
        settings,
        files,
        manifest=corpus.manifest,
        store=corpus.store,
        folds=[run.fold],
        console=console,
    )
    stages.train()
    stages.evaluate(again=False)
    macs = None
    if stages.exportable:
        stages.export((*DEFAULT_KINDS, INT4), again=False)
        file = files.fold(run.fold) / file_name("float32")
        macs = TFLiteGraph(file.read_bytes()).macs
    write_json(
        path / PLANNED,
        {
            **run.about(),
            "macs": macs,
            # Of the last attempt.
            "seconds": time.monotonic() - start,
            "host": platform.node(),
        },
    )


def _settings(run: Run, folder: GridFolder, corpus: PreparedCorpus, path: Path) -> RecipeSettings:
    """The recipe's settings, which a former attempt may have settled."""
    files = RunFolder(path)
    if (path / CONFIG).exists():
        return corpus.recipe.settings.model_validate(files.config())
    settings = run.settings
    shape = {
        "num_classes": len(corpus.task(settings).names),
        "num_mels": create_front_end(settings).num_mels,
        # Neither the number of parameters nor the ratio of two times depends much on it.
        "frames": settings.frames or _FRAMES,
    }

    def cost() -> float:
        # Fold, seed and rate don't matter to it.
        what = settings.model_copy(update={"seed": 0, "learning_rate": 1.0})
        with folder.measuring(f"{run.corpus} {run.backend} {what}") as file:
            if not file.is_file():
                ratio = cost_of_expansion(settings, **shape)
                write_json(file, {"model": run.model, "cost": ratio})
            return read_json(file, dict[str, Any])["cost"]

    return settings_of(run.ablation, settings, **shape, cost=cost)


def _now() -> str:
    return datetime.datetime.now().isoformat(timespec="seconds", sep=" ")
