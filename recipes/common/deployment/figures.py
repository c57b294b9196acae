"""What a form of a model is worth and what it costs, for tables."""

from collections.abc import Mapping
from typing import Any

from recipes.common.latency import Latency
from recipes.common.protocol.figure import Figure
from recipes.common.protocol.task import Task


def cost_of(latency: Latency) -> dict:
    """Bytes and times as JSON types."""
    return {
        "bytes": latency.size,
        "milliseconds": {
            "median": latency.median,
            "percentile_10": latency.low,
            "percentile_90": latency.high,
        },
    }


def card_row(
    name: str,
    task: Task,
    figures: Mapping[str, tuple[Figure, float]],
    results: Any,
    by_sex: Mapping[str, Any],
    latency: Latency | None,
    *,
    sure: Mapping[str, float | None] | None = None,
) -> dict[str, str]:
    """A form's row in a model card, by column.

    Args:
        name: What form it is.
        task: Of the model.
        figures: What the row begins with, by column.
        results: Of all clips.
        by_sex: Of the clips of each sex.
        latency: What it costs; `None` if it is no file.
        sure: Coverage and accuracy of its sure answers; `None` if none is unsure.
    """
    first, figure = next(iter(task.figures.items()))
    return {
        "variant": name,
        **{column: shown.text(value) for column, (shown, value) in figures.items()},
        **task.card_columns(results, sure or {}),
        **{
            f"{figure.name} {sex}": figure.text(getattr(found, first))
            for sex, found in by_sex.items()
        },
        "size": size_of(latency),
        "latency": "-" if latency is None else f"{latency.median:.2f} ms",
    }


def size_of(latency: Latency | None) -> str:
    """Size of the file in kilobytes."""
    return "-" if latency is None else f"{latency.size / 1000:,.0f} kB"
