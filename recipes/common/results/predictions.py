"""`predictions.csv`: what was decided about every clip, from which all metrics follow."""

import csv
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from recipes.common.files.former_names import new_name
from recipes.common.files.rows import write_rows
from recipes.common.results.decisions import Decision

_TEXTS = ("id", "speaker", "sex", "fold", "split")
# Column: attribute.
_CLASSES = {"label": "truth", "prediction": "predicted", "majority": "majority"}
_PROBABILITY = "probability_"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Decisions of one or more folds and splits, as arrays with one entry per decision.

    Attributes:
        labels: Class names in the order of the classes.
        id: What is decided about; once in each split of each fold.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it; may be empty.
        fold: Name of the fold whose model decides.
        split: As in `"test"`.
        truth: True classes.
        predicted: Predicted classes.
        majority: What the majority baseline predicts: the most frequent class of the fold's
            training split.
        scores: `(decisions, classes)`: probabilities, float64.

    Raises:
        ValueError: If there is no decision, or one comes twice.
    """

    labels: tuple[str, ...]
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

    @classmethod
    def of(
        cls,
        decisions: Sequence[Decision],
        scores: np.ndarray,
        *,
        labels: Sequence[str],
        fold: str,
        split: str,
        majority: int,
    ) -> "Predictions":
        """Of what `decide` gave for one split of one fold.

        Args:
            decisions: The decisions.
            scores: Their probabilities.
            labels: Class names.
            fold: Name of the fold.
            split: Name of the split.
            majority: `majority_class` of the fold's training examples.
        """
        if np.shape(scores) != (len(decisions), len(labels)):
            raise ValueError(
                f"`scores` must be of {len(decisions)} decisions and {len(labels)} labels. "
                f"Received: shape {np.shape(scores)}"
            )
        size = len(decisions)
        return cls(
            labels=tuple(labels),
            id=np.array([decision.id for decision in decisions], str),
            speaker=np.array([decision.speaker for decision in decisions], str),
            sex=np.array([decision.sex for decision in decisions], str),
            fold=np.full(size, fold),
            split=np.full(size, split),
            truth=np.array([decision.label for decision in decisions], int),
            predicted=np.array([decision.prediction for decision in decisions], int),
            majority=np.full(size, majority),
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
    orders = dict.fromkeys(each.labels for each in found)
    if len(orders) != 1:
        raise ValueError(
            "Predictions must be of the same labels in the same order. Received: "
            f"{', '.join(map(str, orders)) or 'no predictions'}"
        )
    first = found[0]
    return dataclasses.replace(
        first,
        **{name: np.concatenate([getattr(p, name) for p in found]) for name in _arrays(first)},
    )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Writes a CSV, whole or not at all; `read_predictions` gives the same numbers back.

    Columns: id, speaker, sex, fold, split; the words label, prediction, majority; and
    `probability_<label>` for every label in its order.
    """
    columns = [*_TEXTS, *_CLASSES, *(_PROBABILITY + label for label in predictions.labels)]
    write_rows(path, columns, (dict(zip(columns, row, strict=True)) for row in _rows(predictions)))


def read_predictions(path: Path) -> Predictions:
    """What `write_predictions` wrote, or an earlier version of it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, a word is no label, a probability is no number, or a
            decision comes twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There are no predictions '{path}': evaluate the run first.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = [new_name(name) for name in reader.fieldnames or ()]
            labels = _labels(reader.fieldnames, path)
            rows = [_parsed(row, labels, f"'{path}', line {reader.line_num}") for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no CSV file: {error}") from error
    if not rows:
        raise ValueError(f"Predictions must hold at least one decision. Received: none in '{path}'")
    texts, classes, scores = zip(*rows, strict=True)
    return Predictions(
        labels=labels,
        **{name: np.array([row[i] for row in texts], str) for i, name in enumerate(_TEXTS)},
        **dict(zip(_CLASSES.values(), np.array(classes, int).T, strict=True)),
        scores=np.array(scores, "float64"),
    )


def _arrays(predictions: Predictions) -> list[str]:
    return [field.name for field in dataclasses.fields(predictions) if field.name != "labels"]


def _rows(predictions: Predictions) -> Iterator[tuple]:
    texts = (getattr(predictions, name).tolist() for name in _TEXTS)
    names = np.array(predictions.labels)
    words = (names[getattr(predictions, name)].tolist() for name in _CLASSES.values())
    # Python writes a float with as many digits as reading it back takes.
    return zip(*texts, *words, *predictions.scores.T.tolist(), strict=True)


def _labels(columns: Sequence[str], path: Path) -> tuple[str, ...]:
    missing = [name for name in (*_TEXTS, *_CLASSES) if name not in columns]
    labels = tuple(
        name.removeprefix(_PROBABILITY) for name in columns if name.startswith(_PROBABILITY)
    )
    if missing or not labels:
        missing += [] if labels else [f"{_PROBABILITY}<label>"]
        raise ValueError(
            f"Predictions must have the columns {', '.join((*_TEXTS, *_CLASSES))} and "
            f"{_PROBABILITY}<label> for every label. Received: '{path}' without "
            f"{', '.join(missing)}"
        )
    return labels


def _parsed(row: dict, labels: tuple[str, ...], where: str) -> tuple[list, list, list]:
    """Texts, classes and scores of a row."""
    if None in row or None in row.values():
        raise ValueError(f"Every row must have a value for every column. Received: {where}")
    for name in _CLASSES:
        if row[name] not in labels:
            raise ValueError(
                f"`{name}` must be one of {', '.join(labels)}. Received: '{row[name]}' in {where}"
            )
    return (
        [row[name] for name in _TEXTS],
        [labels.index(row[name]) for name in _CLASSES],
        [_number(row[_PROBABILITY + label], where) for label in labels],
    )


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"A probability must be a number. Received: '{text}' in {where}")
    return value
