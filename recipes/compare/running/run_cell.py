"""Runs one cell of a comparison."""

import datetime
import os
import platform
import time
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_reparam.audio import LogMel
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import CONFIG, DEFAULT_KINDS, file_name
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.common.stages import Stages
from recipes.compare.finished import CELL
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.planning.corpora import PreparedCorpus
from recipes.compare.running.controls import settings_of
from recipes.compare.running.cost import cost_of_expansion

_FRAMES = 400


def run_cell(cell: Cell, folder: GridFolder, corpus: PreparedCorpus) -> bool:
    """Trains, scores and exports one cell; returns whether it is done now.

    Where it is done already nothing happens. An attempt that was stopped or killed goes on from
    its last epoch, and ends as if it had not been. All that is printed goes into the cell's log;
    an error, too, and the cell is noted as failed.

    Args:
        cell: What to run.
        folder: Of the comparison.
        corpus: Of the cell.

    Raises:
        BlockingIOError: If another process is at it.
    """
    if folder.done(cell):
        return True
    with folder.attempt(cell) as path, folder.log(cell).open("a", encoding="utf-8") as log:
        # Another process may have ended it in the meantime.
        if folder.done(cell):
            folder.forget(cell)
            return True
        console = Console(file=log, width=100)
        console.print(f"{_now()}: {cell.name}, process {os.getpid()} on {platform.node()}")
        try:
            _run(cell, folder, corpus, path, console)
        # Whatever it is, it must not end the other cells.
        except Exception as error:
            traceback.print_exc(file=log)
            folder.fail(cell, " ".join(str(error).split()) or type(error).__name__)
            return False
        folder.publish(cell)
        console.print(f"{_now()}: done")
        return True


def _run(
    cell: Cell, folder: GridFolder, corpus: PreparedCorpus, path: Path, console: Console
) -> None:
    start = time.monotonic()
    settings = _settings(cell, folder, corpus, path)
    run = RunFolder(path)
    stages = Stages(
        corpus.recipe,
        settings,
        run,
        manifest=corpus.manifest,
        store=corpus.store,
        folds=[cell.fold],
        console=console,
    )
    stages.train()
    stages.evaluate(again=False)
    stages.export(DEFAULT_KINDS, again=False)
    fold = run.fold(cell.fold)
    write_json(
        path / CELL,
        {
            **cell.about(),
            "macs": TFLiteGraph((fold / file_name("float32")).read_bytes()).macs,
            # Of the last attempt.
            "seconds": time.monotonic() - start,
            "host": platform.node(),
        },
    )


def _settings(cell: Cell, folder: GridFolder, corpus: PreparedCorpus, path: Path) -> RecipeSettings:
    """The recipe's settings, which a former attempt may have settled."""
    run = RunFolder(path)
    if (path / CONFIG).exists():
        return corpus.recipe.settings.model_validate(run.config())
    settings = cell.settings
    shape = {
        "num_classes": len(corpus.labels(settings)),
        "num_mels": LogMel().num_mels,
        # Neither the number of parameters nor the ratio of two times depends much on it.
        "frames": settings.frames or _FRAMES,
    }

    def cost() -> float:
        # Fold, seed and rate don't matter to it.
        what = settings.model_copy(update={"seed": 0, "learning_rate": 1.0})
        with folder.measuring(f"{cell.corpus} {cell.backend} {what}") as file:
            if not file.is_file():
                ratio = cost_of_expansion(settings, **shape)
                write_json(file, {"model": cell.model, "cost": ratio})
            return read_json(file, dict[str, Any])["cost"]

    return settings_of(cell.control, settings, **shape, cost=cost)


def _now() -> str:
    return datetime.datetime.now().isoformat(timespec="seconds", sep=" ")
