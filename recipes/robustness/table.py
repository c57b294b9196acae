"""The report on the screen."""

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from recipes.common.names import CLEAN
from recipes.robustness.marks import FIGURES, MARKS
from recipes.robustness.outcome import Outcome
from recipes.robustness.report import Report

_STYLES = {True: "green", False: "bold red", None: "dim"}
_WORDS = {True: "passed", False: "missed", None: ""}


def tables(report: Report) -> Group:
    """The conditions, the tests of the clips as they are, and what did not run."""
    parts: list[Table | Text] = [_conditions(report)]
    if any(verdict.test not in report.families for verdict in report.verdicts):
        parts.append(_clean_tests(report))
    notes = [_groups(report), *(f"{name}: not run: {why}" for name, why in report.not_run.items())]
    if report.left_out:
        words = ", ".join(f"{label} {count:,}" for label, count in report.left_out.items())
        notes.append(f"Left out, since the model has no such class: {words}.")
    return Group(*parts, Text("\n".join(notes)), Text(_summary(report), style="bold"))


def _table(title: str, caption: str = "", *, right: Sequence[str], columns: Sequence[str]) -> Table:
    table = Table(
        title=Text(title),
        title_justify="left",
        caption=Text(caption),
        caption_justify="left",
        # Compact enough for 80 columns.
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for name in columns:
        # Labels and marks may be long; figures and names are never broken.
        breaks = name in ("mark", "figure")
        table.add_column(name, justify="right" if name in right else "left", no_wrap=not breaks)
    return table


def _conditions(report: Report) -> Table:
    answers = "/".join(report.clean.answers)
    people = f"{report.speakers:,} speaker{'s' if report.speakers > 1 else ''}"
    table = _table(
        f"{report.model}: {report.clips:,} clips of {people}",
        "In percent. same: share of clips whose class is that of the clip as it is. "
        f"Answers: {answers} (silence, or no class).",
        right=("UA", "falls", "same"),
        columns=("test", "UA", "falls", "same", "answers", "mark", ""),
    )
    _add(table, report.clean, None, "")
    family = None
    for outcome in report.outcomes:
        if report.families[outcome.name] != family:
            family = report.families[outcome.name]
            table.add_section()
        marks = ", ".join(map(str, MARKS[family]))
        _add(table, outcome, report.passed(outcome.name), marks.replace("UA falls", "falls"))
    return table


def _add(table: Table, outcome: Outcome, passed: bool | None, marks: str) -> None:
    shares = " ".join(f"{100 * share:.0f}" for share in outcome.answers.values())
    table.add_row(
        outcome.name,
        f"{100 * outcome.ua:.1f}",
        "" if outcome.name == CLEAN else f"{100 * outcome.ua_fall:.1f}",
        "" if outcome.name == CLEAN else f"{100 * outcome.unchanged:.1f}",
        shares,
        marks,
        Text(_WORDS[passed], style=_STYLES[passed]),
    )


def _clean_tests(report: Report) -> Table:
    columns = ("test", "figure", "in %", "mark", "")
    table = _table("The clips as they are", right=("in %", "mark"), columns=columns)
    test = None
    for verdict in report.verdicts:
        if verdict.test in report.families:
            continue
        if verdict.test != test:
            test = verdict.test
            table.add_section()
        mark = verdict.mark
        table.add_row(
            verdict.test,
            Text(", ".join(filter(None, (FIGURES[mark.figure], verdict.of)))),
            f"{100 * verdict.value:.1f}",
            mark.bound,
            Text(_WORDS[verdict.passed], style=_STYLES[verdict.passed]),
        )
    return table


def _groups(report: Report) -> str:
    """Who is heard best and worst, as the clips are."""
    sexes = ", ".join(f"{sex} {100 * g.ua:.1f}" for sex, g in report.clean.by_sex.items())
    people = sorted(report.clean.by_speaker.items(), key=lambda item: item[1].ua)
    (low, lowest), (high, highest) = people[0], people[-1]
    text = f"UA by sex: {sexes}. " if sexes else ""
    return (
        f"{text}By speaker from {100 * lowest.ua:.1f} ({low}) to {100 * highest.ua:.1f} ({high})."
    )


def _summary(report: Report) -> str:
    tests = report.tests
    missed = [name for name, passed in tests.items() if not passed]
    text = f"{len(tests) - len(missed)} of {len(tests)} tests passed"
    if report.not_run:
        text += f", {len(report.not_run)} not run"
    return f"{text}. Missed: {', '.join(missed)}." if missed else f"{text}."
