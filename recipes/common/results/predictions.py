"""`predictions.csv`: what was decided about every clip, from which all metrics follow."""

import csv
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from recipes.common.files.former_names import new_name
from recipes.common.files.rows import write_rows
from recipes.common.protocol.task import Decided, Task, Value
from recipes.common.results.decisions import Decision

_TEXTS = ("id", "speaker", "sex", "fold", "split")
# Column: attribute.
_CLASSES = {"label": "truth", "prediction": "predicted", "majority": "majority"}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Decisions of one or more folds and splits, as arrays with one entry per decision.

    Attributes:
        task: What is decided.
        id: What is decided about; once in each split of each fold.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it; may be empty.
        fold: Name of the fold whose model decides.
        split: As in `"test"`.
        truth: What is true, `(decisions, ...)` as the task has it: of classes the index.
        predicted: What is said, likewise.
        majority: What a baseline says that knows the fold's training split alone, likewise: of
            classes the most frequent one.
        scores: `(decisions, outputs)`: of classes probabilities, float64.

    Raises:
        ValueError: If there is no decision, or one comes twice.
    """

    task: Task
    id: np.ndarray
    speaker: np.ndarray
    sex: np.ndarray
    fold: np.ndarray
    split: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    majority: np.ndarray
    scores: np.ndarray

    def __post_init__(self):
        if not len(self):
            raise ValueError("Predictions must hold at least one decision. Received: none")
        seen = set()
        for key in zip(self.fold, self.split, self.id, strict=True):
            if key in seen:
                fold, split, name = key
                raise ValueError(
                    "A decision must come once in each split of each fold. Received: "
                    f"'{name}' twice in split '{split}' of fold '{fold}'"
                )
            seen.add(key)

    def __len__(self) -> int:
        return len(self.id)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs, in their order."""
        return self.task.names

    @property
    def decided(self) -> Decided:
        """What is true, what is said, and the scores."""
        return self.truth, self.predicted, self.scores

    @property
    def speakers(self) -> int:
        """How many people they are of."""
        return len(np.unique(self.speaker))

    @classmethod
    def of(
        cls,
        decisions: Sequence[Decision],
        scores: np.ndarray,
        *,
        task: Task,
        fold: str,
        split: str,
        majority: Value,
    ) -> "Predictions":
        """Of what `decide` gave for one split of one fold.

        Args:
            decisions: The decisions.
            scores: Their scores.
            task: What is decided.
            fold: Name of the fold.
            split: Name of the split.
            majority: `baseline` of the fold's training examples.
        """
        if np.shape(scores) != (len(decisions), len(task.names)):
            raise ValueError(
                f"`scores` must be of {len(decisions)} decisions and {len(task.names)} labels. "
                f"Received: shape {np.shape(scores)}"
            )
        size = len(decisions)
        return cls(
            task=task,
            id=np.array([decision.id for decision in decisions], str),
            speaker=np.array([decision.speaker for decision in decisions], str),
            sex=np.array([decision.sex for decision in decisions], str),
            fold=np.full(size, fold),
            split=np.full(size, split),
            truth=task.array([decision.label for decision in decisions]),
            predicted=task.array([decision.prediction for decision in decisions]),
            majority=task.array([majority] * size),
            scores=np.asarray(scores, "float64"),
        )

    def where(self, *, fold: str | None = None, split: str | None = None) -> "Predictions":
        """Those of one fold, one split, or both.

        Raises:
            ValueError: If there are none.
        """
        chosen = np.ones(len(self), bool)
        for name, value in (("fold", fold), ("split", split)):
            if value is not None:
                column = getattr(self, name)
                there = dict.fromkeys(column[chosen].tolist())
                if value not in there:
                    raise ValueError(
                        f"`{name}` must be one of {', '.join(there)}. Received: '{value}'"
                    )
                chosen &= column == value
        return dataclasses.replace(
            self, **{name: getattr(self, name)[chosen] for name in _arrays(self)}
        )


def pooled(predictions: Iterable[Predictions]) -> Predictions:
    """All of them as one, for instance of several folds.

    Raises:
        ValueError: If there are none, their labels differ, or a decision comes twice.
    """
    found = list(predictions)
    tasks = dict.fromkeys(each.task for each in found)
    if len(tasks) != 1:
        told = "; ".join(task.described for task in tasks)
        raise ValueError(
            "Predictions must be of the same labels in the same order. Received: "
            f"{told or 'no predictions'}"
        )
    first = found[0]
    return dataclasses.replace(
        first,
        **{name: np.concatenate([getattr(p, name) for p in found]) for name in _arrays(first)},
    )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Writes a CSV, whole or not at all; `read_predictions` gives the same numbers back.

    Columns: id, speaker, sex, fold, split; the words label, prediction, majority; and
    `probability_<label>` for every label in its order, or `value_<name>`.
    """
    columns = [*_TEXTS, *_CLASSES, *_score_columns(predictions.task)]
    write_rows(path, columns, (dict(zip(columns, row, strict=True)) for row in _rows(predictions)))


def read_predictions(path: Path, task: Task) -> Predictions:
    """What `write_predictions` wrote, or an earlier version of it.

    Args:
        path: The file.
        task: What was decided.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, a word is no label, a score is no number, or a decision
            comes twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There are no predictions '{path}': evaluate the run first.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = [new_name(name) for name in reader.fieldnames or ()]
            _check_columns(reader.fieldnames, task, path)
            rows = [_parsed(row, task, f"'{path}', line {reader.line_num}") for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no CSV file: {error}") from error
    if not rows:
        raise ValueError(f"Predictions must hold at least one decision. Received: none in '{path}'")
    texts, classes, scores = zip(*rows, strict=True)
    return Predictions(
        task=task,
        **{name: np.array([row[i] for row in texts], str) for i, name in enumerate(_TEXTS)},
        **{
            name: task.array(values)
            for name, values in zip(_CLASSES.values(), zip(*classes, strict=True), strict=True)
        },
        scores=np.array(scores, "float64"),
    )


def _arrays(predictions: Predictions) -> list[str]:
    return [field.name for field in dataclasses.fields(predictions) if field.name != "task"]


def _rows(predictions: Predictions) -> Iterator[tuple]:
    texts = (getattr(predictions, name).tolist() for name in _TEXTS)
    task = predictions.task
    words = (map(task.word, getattr(predictions, name).tolist()) for name in _CLASSES.values())
    # Python writes a float with as many digits as reading it back takes.
    return zip(*texts, *words, *predictions.scores.T.tolist(), strict=True)


def _score_columns(task: Task) -> list[str]:
    return [task.score_prefix + name for name in task.names]


def _check_columns(columns: Sequence[str], task: Task, path: Path) -> None:
    needed = (*_TEXTS, *_CLASSES, *_score_columns(task))
    missing = [name for name in needed if name not in columns]
    others = [name for name in columns if name.startswith(task.score_prefix)]
    if missing or others != _score_columns(task):
        wrong = f"without {', '.join(missing)}" if missing else f"with {', '.join(others)}"
        raise ValueError(
            f"Predictions must have the columns {', '.join(needed)}. Received: '{path}' {wrong}"
        )


def _parsed(row: dict, task: Task, where: str) -> tuple[list, list, list]:
    """Texts, values and scores of a row."""
    if None in row or None in row.values():
        raise ValueError(f"Every row must have a value for every column. Received: {where}")
    values = []
    for name in _CLASSES:
        try:
            values.append(task.parsed(row[name]))
        except ValueError as error:
            raise ValueError(f"`{name}` {error}. Received: '{row[name]}' in {where}") from None
    return (
        [row[name] for name in _TEXTS],
        values,
        [_number(row[column], where) for column in _score_columns(task)],
    )


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"A score must be a number. Received: '{text}' in {where}")
    return value
