"""What a form of a model is worth and what it costs, for tables."""

from collections.abc import Mapping

from recipes.common.latency import Latency
from recipes.common.results.metrics import Metrics
from recipes.common.results.results import Results


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
    figures: Mapping[str, float],
    results: Results,
    by_sex: Mapping[str, Metrics],
    latency: Latency | None,
    *,
    sure: Mapping[str, float | None] | None = None,
) -> dict[str, str]:
    """A form's row in a model card, by column.

    Args:
        name: What form it is.
        figures: Shares that the row begins with, by column.
        results: Of all clips.
        by_sex: Of the clips of each sex.
        latency: What it costs; `None` if it is no file.
        sure: Coverage and accuracy of its sure answers; `None` if none is unsure.
    """
    recalls = {f"recall {label}": _percent(recall) for label, recall in results.recall.items()}
    return {
        "variant": name,
        **{column: f"{value:.1%}" for column, value in figures.items()},
        "ECE": _percent(results.ece),
        **{f"sure: {name}": _percent(value) for name, value in (sure or {}).items()},
        **recalls,
        **{f"UA {sex}": f"{found.ua:.1%}" for sex, found in by_sex.items()},
        "size": size_of(latency),
        "latency": "-" if latency is None else f"{latency.median:.2f} ms",
    }


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def size_of(latency: Latency | None) -> str:
    """Size of the file in kilobytes."""
    return "-" if latency is None else f"{latency.size / 1000:,.0f} kB"
