"""The tables, and whether the package's file is the first."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from recipes.baselines.contestant import Contestant
from recipes.baselines.hearing import CLEAN, HARD
from recipes.baselines.measurement import Cost
from recipes.robustness.conditions import CONDITIONS

# Among those that are smaller, the first in UA is asked for.
SMALL = 1_000_000
# What conditions are called in tables.
SHORT_NAMES = {CLEAN: "clean", "gain-20": "-20 dB", "white": "white", "telephone": "telephone"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One contestant.

    Attributes:
        name: As in `--only`.
        title: In tables.
        parameters: Weights that it is made of.
        size: Bytes.
        ua: Unweighted accuracy by corpus and condition.
        cost: Time and memory.
    """

    name: str
    title: str
    parameters: int
    size: int
    ua: Mapping[str, Mapping[str, float]]
    cost: Cost


def row_of(contestant: Contestant, ua: Mapping[str, Mapping[str, float]], cost: Cost) -> Row:
    """All that was found of one."""
    own = {field.name for field in dataclasses.fields(Row)} - {"ua", "cost"}
    return Row(**{name: getattr(contestant, name) for name in own}, ua=ua, cost=cost)


_COST: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("parameters", lambda row: f"{row.parameters:,}"),
    ("kB", lambda row: f"{row.size / 1e3:,.0f}"),
    ("ms per s", lambda row: _digits(row.cost.median)),
    ("10 to 90 %", lambda row: f"{_digits(row.cost.low)} to {_digits(row.cost.high)}"),
    ("memory, MB", lambda row: f"{row.cost.memory:,.0f}"),
)
MEANING = (
    "UA: mean recall of the classes, in percent; every clip gets a class. ms per s: milliseconds "
    "for a second of audio, median over test clips, on one thread and one core, in turns. Memory: "
    "peak of a process that hears clips, less that of Python and NumPy. kB: the .tflite file; of "
    "eGeMAPS openSMILE's library with the machine's weights; of Whisper the weights of the encoder "
    "layers used, in float32, and the head. Runtimes (LiteRT; Keras and TensorFlow for Whisper) "
    "are not counted."
)
CONDITIONS_TOLD = "; ".join(f"{SHORT_NAMES[name]}: {CONDITIONS[name].what}" for name in HARD) + "."


def tables_of(rows: Sequence[Row], machine: str) -> tuple[Table, Table]:
    """What the screen shows: accuracy, and cost."""
    accuracy = Table(title="UA of speakers never heard in training", title_justify="left")
    cost = Table(
        title="Cost",
        caption=f"{MEANING}\n{CONDITIONS_TOLD}\n{machine}",
        title_justify="left",
        caption_justify="left",
    )
    for corpus, by_condition in rows[0].ua.items():
        if not accuracy.columns:
            _add_columns(accuracy, [SHORT_NAMES[name] for name in by_condition])
        accuracy.add_section()
        accuracy.add_row(f"[bold]{corpus}[/]")
        for row in rows:
            ua = row.ua[corpus].values()
            accuracy.add_row(f" {row.title}", *(f"{100 * value:.1f}" for value in ua))
    _add_columns(cost, [heading for heading, _ in _COST])
    for row in rows:
        cost.add_row(row.title, *(written(row) for _, written in _COST))
    return accuracy, cost


def _add_columns(table: Table, headings: Sequence[str]) -> None:
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")


def markdown_of(rows: Sequence[Row], told: Sequence[str]) -> str:
    """One table of all figures, verdicts and what they mean, for a README."""
    columns = (*_accuracy(rows), *_COST)
    lines = [
        "| | " + " | ".join(heading for heading, _ in columns) + " |",
        "|---|" + "--:|" * len(columns),
        *(
            f"| {row.title} | " + " | ".join(written(row) for _, written in columns) + " |"
            for row in rows
        ),
    ]
    points = [f"- {line}" for line in verdicts(rows)]
    return "\n".join([*lines, "", *points, "", "\n\n".join(told), ""])


def verdicts(rows: Sequence[Row]) -> list[str]:
    """Where the first row is first, and where not, in words; nothing if it is alone."""
    own, *others = rows
    if not others:
        return []
    small = [row for row in others if row.parameters < SMALL]
    found = [
        _verdict("time", own, others, lambda r: r.cost.median, lambda v: f"{_digits(v)} ms per s"),
        _verdict("bytes", own, others, lambda r: r.size, lambda v: f"{v / 1e3:,.0f} kB"),
    ]
    if own.parameters < SMALL and small:
        for corpus, by_condition in own.ua.items():
            for condition in by_condition:
                what = f"UA on {corpus}, {SHORT_NAMES[condition]}, below {SMALL:,} parameters"
                found.append(
                    _verdict(
                        what,
                        own,
                        small,
                        lambda row, corpus=corpus, name=condition: -row.ua[corpus][name],
                        lambda value: f"{-100 * value:.1f}",
                    )
                )
    return found


def _verdict(
    what: str,
    own: Row,
    others: Sequence[Row],
    figure: Callable[[Row], float],
    written: Callable[[float], str],
) -> str:
    """The lowest figure is the first."""
    best = min(others, key=figure)
    first = figure(own) <= figure(best)
    place = "first" if first else "NOT first"
    return (
        f"{what}: {own.title} is {place}, {written(figure(own))}; "
        f"{'then' if first else 'before it'} {best.title}, {written(figure(best))}"
    )


def _accuracy(rows: Sequence[Row]) -> tuple[tuple[str, Callable[[Row], str]], ...]:
    return tuple(
        (
            f"{corpus} {SHORT_NAMES[name]}",
            lambda row, corpus=corpus, name=name: f"{100 * row.ua[corpus][name]:.1f}",
        )
        for corpus, by_condition in rows[0].ua.items()
        for name in by_condition
    )


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
