"""The files of a run."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pydantic_core

from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.files.rows import write_rows
from recipes.robustness.clips import Clips
from recipes.robustness.outcome import NO_CLASS
from recipes.robustness.picture import draw
from recipes.robustness.report import Report

REPORT, PREDICTIONS, PICTURE = "robustness.json", "predictions.csv", "robustness.png"


def write(report: Report, classes: Mapping[str, np.ndarray], clips: Clips, folder: Path) -> None:
    """Writes figures, predictions and picture, all of them or none."""
    with staged(folder) as beside:
        write_json(beside / REPORT, as_json(report))
        _write_predictions(beside / PREDICTIONS, report, classes, clips)
        draw(report, beside / PICTURE)


def as_json(report: Report) -> dict:
    """The report as JSON types, with the result of every test first."""
    content = pydantic_core.to_jsonable_python(report)
    # `-inf` is no number of JSON.
    content = json.loads(json.dumps(content), parse_constant=lambda name: name)
    return {"passed": report.tests, **content}


def _write_predictions(path: Path, report: Report, classes, clips: Clips) -> None:
    """A row for each clip: its label, and its class in every condition."""
    names = (*report.labels, NO_CLASS)
    rows = []
    for number, (segment, truth) in enumerate(zip(clips.segments, clips.truth, strict=True)):
        about = {name: getattr(segment, name) for name in ("id", "speaker", "sex")}
        found = {condition: names[values[number]] for condition, values in classes.items()}
        rows.append({**about, "label": names[truth], **found})
    write_rows(path, ["id", "speaker", "sex", "label", *classes], rows)
