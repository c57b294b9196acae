"""The table of backbones and kinds, with the bar beside each figure."""

import dataclasses
from pathlib import Path

import numpy as np
from rich.table import Table

from keras_reparam.deploy.verification.verify_scores import ScoreComparison, compare_scores
from recipes.common.files.rows import write_rows
from recipes.common.names import FEATURES_IN
from recipes.quantization.measurement import Measured

_INT8 = ("int8", "int8_dynamic")
_DOT_PRODUCTS = ("avx512_vnni", "avx_vnni")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One backbone in one kind, over the held-out clips of all folds; `None`: does not apply.

    Attributes:
        backbone: Its name.
        kind: Quantization kind.
        clips: Held-out clips, each scored by the model of its fold.
        ua: Unweighted accuracy of the file.
        keras_ua: That of Keras on the same input.
        top1_agreement: Share of clips with Keras's top-1 class.
        max_absolute_error: Largest absolute difference of a probability from Keras.
        mean_absolute_error: Mean of the same.
        spread: Standard deviation over clips of the probability that varies most.
        size: Bytes of the file with waveform in, of the first fold.
        deflated: The same compressed by DEFLATE, as a store sends it.
        bits: Mean number of bits of the backbone's weights.
        alone: Bytes of the file of the backbone alone.
        alone_ratio: To its float32 twin.
        int8_share: Share of int8, or fewer bits, in the bytes of the backbone's weights.
        milliseconds: Median of one window, one thread.
        ratio: To the float32 file, in the same rounds.
        alone_milliseconds: The same of the backbone alone.
        alone_ratio_time: To its float32 twin, in the same rounds.
    """

    backbone: str
    kind: str
    clips: int
    ua: float
    keras_ua: float
    top1_agreement: float
    max_absolute_error: float
    mean_absolute_error: float
    spread: float
    size: int | None
    deflated: int | None
    bits: float
    alone: int
    alone_ratio: float
    int8_share: float
    milliseconds: float | None
    ratio: float | None
    alone_milliseconds: float
    alone_ratio_time: float

    @property
    def drop(self) -> float:
        """How many points of UA the file loses."""
        return 100 * (self.keras_ua - self.ua)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """What a figure of some kinds must be: at most (or at least) a bound.

    Attributes:
        figure: Attribute of `Row`.
        kinds: To which it applies.
        bound: The bound.
        least: Whether it is a lower bound.
        text: How it is said.
    """

    figure: str
    kinds: tuple[str, ...]
    bound: float
    text: str
    least: bool = False

    def met(self, row: Row) -> bool | None:
        """Whether the row meets it; `None` where it does not apply."""
        value = getattr(row, self.figure)
        if row.kind not in self.kinds or value is None:
            return None
        # Sums of shares: the last digits are rounding.
        return value >= self.bound - 1e-9 if self.least else value <= self.bound + 1e-9


def bars(cpu: str) -> tuple[Bar, ...]:
    """The bars on a CPU, which is named with its vector extensions."""
    dot_products = any(extension in cpu.split() for extension in _DOT_PRODUCTS)
    time = 0.85 if dot_products else 1.05
    why = "a CPU with VNNI" if dot_products else "a CPU without int8 dot products"
    return (
        Bar(
            figure="max_absolute_error",
            kinds=("float32",),
            bound=1e-4,
            text="float32: maximum absolute error <= 1e-4",
        ),
        Bar(figure="drop", kinds=_INT8, bound=1.0, text="int8, int8_dynamic: UA drop <= 1.0 point"),
        Bar(
            figure="top1_agreement",
            kinds=_INT8,
            bound=0.97,
            least=True,
            text="int8, int8_dynamic: top-1 agreement with Keras >= 97 %",
        ),
        Bar(
            figure="int8_share",
            # On the fly biases stay float: of a small model that is more than a tenth.
            kinds=("int8",),
            bound=0.9,
            least=True,
            text="int8: int8 >= 90 % of the backbone's weight bytes",
        ),
        Bar(
            figure="alone_ratio",
            kinds=_INT8,
            bound=0.4,
            text="int8, int8_dynamic: backbone alone <= 0.40x the bytes of its float32 twin",
        ),
        Bar(
            figure="size",
            kinds=_INT8,
            bound=450_000,
            text="int8, int8_dynamic: waveform-in file < 450 kB",
        ),
        Bar(
            figure="ratio",
            kinds=("int8",),
            bound=time,
            text=f"int8: time <= {time}x that of the float32 file, on {why}",
        ),
        Bar(
            figure="spread", kinds=("float32",), bound=0.05, least=True, text="scores vary: >= 0.05"
        ),
    )


def rows_of(
    backbone: str,
    folds: list[Measured],
    truth: np.ndarray,
    whole_times: dict[str, dict[str, float]],
    alone_times: dict[str, dict[str, float]],
) -> list[Row]:
    """One row per kind.

    Args:
        backbone: Its name.
        folds: What was measured, fold by fold.
        truth: Classes of the held-out clips, fold by fold.
        whole_times: By kind, what `latencies` gave of the first fold's files.
        alone_times: The same of the backbones alone.
    """
    first = folds[0]
    rows = []
    for kind in first.scores:
        compared = pooled(folds, kind, truth)
        weights = first.alone[kind]
        time = whole_times.get(kind, {})
        rows.append(
            Row(
                backbone=backbone,
                kind=kind,
                clips=compared.clips,
                ua=compared.ua,
                keras_ua=compared.model_ua,
                top1_agreement=compared.top1_agreement,
                max_absolute_error=compared.max_absolute_error,
                mean_absolute_error=compared.mean_absolute_error,
                spread=compared.spread,
                size=None if kind in FEATURES_IN else first.whole[kind].size,
                deflated=None if kind in FEATURES_IN else first.whole[kind].deflated,
                bits=weights.bits_per_weight,
                alone=weights.size,
                alone_ratio=weights.size / first.alone["float32"].size,
                int8_share=weights.int8_share,
                milliseconds=time.get("milliseconds"),
                ratio=time.get("ratio"),
                alone_milliseconds=alone_times[kind]["milliseconds"],
                alone_ratio_time=alone_times[kind]["ratio"],
            )
        )
    return rows


def pooled(folds: list[Measured], kind: str, truth: np.ndarray) -> ScoreComparison:
    """The comparison over the held-out clips of all folds."""
    return compare_scores(
        np.concatenate([fold.scores[kind].file for fold in folds]),
        np.concatenate([fold.scores[kind].keras for fold in folds]),
        truth,
    )


# Heading, attribute of `Row`, and how its value is written.
_ACCURACY = (
    ("UA", "ua", lambda v: f"{v:.1%}"),
    ("UA drop", "drop", lambda v: f"{v:+.1f}"),
    ("top-1 agreement", "top1_agreement", lambda v: f"{v:.1%}"),
    ("max error", "max_absolute_error", lambda v: f"{v:.1e}"),
    ("mean error", "mean_absolute_error", lambda v: f"{v:.1e}"),
)
_COST = (
    ("kB", "size", lambda v: f"{v / 1000:.0f}"),
    ("alone", "alone", lambda v: f"{v / 1000:.0f}"),
    ("to float", "alone_ratio", lambda v: f"{v:.2f}x"),
    ("int8", "int8_share", lambda v: f"{v:.0%}"),
    ("ms", "milliseconds", lambda v: f"{v:.2f}"),
    ("to float", "ratio", lambda v: f"{v:.2f}x"),
)
# Not on the screen, where it would not fit.
_REST = (
    ("time of backbone alone to float", "alone_ratio_time", lambda v: f"{v:.2f}x"),
    ("kB deflated", "deflated", lambda v: f"{v / 1000:.0f}"),
    ("bits a weight", "bits", lambda v: f"{v:.1f}"),
)
_MEANING = (
    "UA drop: points lost against Keras. Top-1 agreement: clips with Keras's top-1 class. "
    "Max, mean error: absolute difference of a probability from Keras. kB: of the file with "
    "waveform in, then of the backbone alone and its ratio to float32. int8: share of the "
    "backbone's weight bytes, narrower ones included. ms: median of one window on one thread, and "
    "its ratio to the float32 file in the same rounds. "
    "\u2713: the bar is met; \u2717: it is missed."
)


def missed(rows: list[Row], asked: tuple[Bar, ...]) -> list[tuple[Row, Bar]]:
    """The bars that are not met."""
    return [(row, bar) for row in rows for bar in asked if bar.met(row) is False]


def _cells(row: Row, columns: tuple, asked: tuple[Bar, ...]) -> list[str]:
    marks = {True: " \u2713", False: " \u2717", None: ""}
    met = {bar.figure: bar.met(row) for bar in asked if row.kind in bar.kinds}
    cells = []
    for _, figure, written in columns:
        value = getattr(row, figure)
        cells.append("-" if value is None else written(value) + marks[met.get(figure)])
    return cells


def tables_of(rows: list[Row], asked: tuple[Bar, ...], machine: str) -> tuple[Table, Table]:
    """What the screen shows: accuracy, and size and time."""
    accuracy = _table(
        rows, _ACCURACY, asked, title=f"{rows[0].clips} clips of speakers not heard in training"
    )
    cost = _table(rows, _COST, asked, title="Size and time", caption=f"{_MEANING}\n{machine}")
    return accuracy, cost


def _table(rows: list[Row], columns: tuple, asked: tuple[Bar, ...], **options) -> Table:
    table = Table(title_justify="left", caption_justify="left", **options)
    table.add_column("model", no_wrap=True)
    for heading, *_ in columns:
        table.add_column(heading, justify="right")
    backbone = None
    for row in rows:
        if row.backbone != backbone:
            table.add_section()
            table.add_row(f"[bold]{row.backbone}[/]")
            backbone = row.backbone
        table.add_row(f" {row.kind}", *_cells(row, columns, asked))
    return table


def markdown_of(rows: list[Row], asked: tuple[Bar, ...], machine: str, protocol: str) -> str:
    """One table of all figures as Markdown, for a README."""
    columns = (*_ACCURACY, *_COST, *_REST)
    head = ["backbone", "kind", *(heading for heading, *_ in columns)]
    lines = [
        "| " + " | ".join(head) + " |",
        "|---|---|" + "--:|" * len(columns),
        *(
            "| " + " | ".join([row.backbone, f"`{row.kind}`", *_cells(row, columns, asked)]) + " |"
            for row in rows
        ),
    ]
    told = [f"- {bar.text}: {_verdict(rows, bar)}" for bar in asked]
    return "\n".join([*lines, "", _MEANING, "", protocol, "", machine, "", *told, ""])


def _verdict(rows: list[Row], bar: Bar) -> str:
    missing = [f"{row.backbone} `{row.kind}`" for row in rows if bar.met(row) is False]
    return f"missed by {', '.join(missing)}" if missing else "met"


def write_csv(path: Path, rows: list[Row]) -> None:
    """One line per row, all figures."""
    names = [field.name for field in dataclasses.fields(Row)]
    write_rows(path, [*names, "drop"], map(as_row, rows))


def as_row(row: Row) -> dict:
    """All its figures by name."""
    return {**dataclasses.asdict(row), "drop": row.drop}
