"""What `verify_tflite` found."""

import dataclasses
from pathlib import Path

import numpy as np
from rich.table import Table

from keras_reparam._utils.printed import Printed, table_of
from keras_reparam.deploy.tflite.heads import quality_names
from keras_reparam.deploy.verification.verify_operators import OperatorDifference
from keras_reparam.deploy.verification.verify_scores import ScoreComparison

_MOST_GROWN = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One condition: what was found, what is asked for, and, if it failed, what that means."""

    name: str
    found: str
    asked: str
    passed: bool
    hint: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerificationReport(Printed):
    """A file beside the model that it was made from; prints as a table.

    Attributes:
        path: The file.
        kind: Its quantization kind, as `keras_reparam.inspect_tflite` finds it.
        head: What makes its scores, `"softmax"`, `"sigmoid"` or `"linear"`.
        labels: Class names.
        comparison: The differences of the scores.
        checks: What was asked of them.
        operators: Relative error of every operator's output on the clips that differ most; empty
            if they were not compared.
        operator_bound: What an operator's relative error may be.
        scores: `(clips, classes)`: the file's probabilities.
        expected: `(clips, classes)`: the model's.
    """

    path: Path
    kind: str
    head: str
    labels: tuple[str, ...]
    comparison: ScoreComparison
    checks: tuple[Check, ...]
    operators: tuple[OperatorDifference, ...]
    operator_bound: float
    scores: np.ndarray = dataclasses.field(repr=False, compare=False)
    expected: np.ndarray = dataclasses.field(repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def first_operator(self) -> OperatorDifference | None:
        """The first operator, in order of execution, whose error is beyond the bound."""
        return next((o for o in self.operators if not o.error <= self.operator_bound), None)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The report as rows (what, value)."""
        found = self.comparison
        quality, agreement = quality_names(self.head)
        rows = [
            ("file", f"{self.path}, {self.kind}, {self.head}"),
            ("clips", str(found.clips)),
            (
                "absolute error of a score",
                f"maximum {found.max_absolute_error:.2e}, mean {found.mean_absolute_error:.2e}",
            ),
            (agreement, f"{found.top1_agreement:.1%}"),
        ]
        if found.quality is not None:
            own, model = found.quality
            drop = 100 * (model - own)
            said = f"{own:.1%}, of the model {model:.1%} (drop {drop:+.1f} points)"
            rows.append((quality, said))
        spread = f"{found.spread:.3f}, of the model {found.model_spread:.3f}"
        rows.append(("spread of the scores", spread))
        shifts = zip(self.labels, found.shifts, strict=True)
        rows.append(("mean shift", ", ".join(f"{label} {s:+.1e}" for label, s in shifts)))
        rows += self._operator_rows()
        for check in self.checks:
            verdict = "passed" if check.passed else "FAILED"
            rows.append((verdict, f"{check.name}: {check.found} (asked for: {check.asked})"))
            if check.hint:
                rows.append(("", check.hint))
        return tuple(rows)

    def _operator_rows(self) -> list[tuple[str, str]]:
        if not self.operators:
            return []
        first = self.first_operator
        name = f"operator beyond {self.operator_bound:.0e}"
        rows = [(f"first {name}", "none" if first is None else _said(first))]
        grown = sorted(self.operators, key=lambda o: -o.growth)[:_MOST_GROWN]
        return rows + [("grows most in", _said(o)) for o in grown if o.growth > 0]

    def as_dict(self) -> dict:
        """The report as JSON types, without the scores of single clips."""
        first = self.first_operator
        return {
            "path": str(self.path),
            "kind": self.kind,
            "head": self.head,
            "labels": list(self.labels),
            **dataclasses.asdict(self.comparison),
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "operators": [dataclasses.asdict(operator) for operator in self.operators],
            "operator_bound": self.operator_bound,
            "first_operator": None if first is None else dataclasses.asdict(first),
            "passed": self.passed,
        }

    def __rich__(self) -> Table:
        verdict = "passed" if self.passed else "FAILED"
        return table_of(f"Verified '{self.path.name}': {verdict}", self.rows)


def _said(operator: OperatorDifference) -> str:
    int8 = " (int8)" if operator.int8 else ""
    return (
        f"{operator.operator}{int8} number {operator.index}, relative error {operator.error:.1e}, "
        f"{operator.growth:+.1e} there: {operator.tensor}"
    )
