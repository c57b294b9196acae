"""What a form of a model is worth and what it costs, for tables."""

from collections.abc import Mapping

from recipes.common.latency import Latency
from recipes.common.results.metrics import Metrics


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
    metrics: Metrics,
    by_sex: Mapping[str, Metrics],
    latency: Latency | None,
) -> dict[str, str]:
    """A form's row in a model card, by column.

    Args:
        name: What form it is.
        figures: Shares that the row begins with, by column.
        metrics: Of all clips.
        by_sex: Of the clips of each sex.
        latency: What it costs; `None` if it is no file.
    """
    recalls = {
        f"recall {label}": "-" if recall is None else f"{recall:.1%}"
        for label, recall in metrics.recall.items()
    }
    return {
        "variant": name,
        **{column: f"{value:.1%}" for column, value in figures.items()},
        **recalls,
        **{f"UA {sex}": f"{found.ua:.1%}" for sex, found in by_sex.items()},
        "size": size_of(latency),
        "latency": "-" if latency is None else f"{latency.median:.2f} ms",
    }


def size_of(latency: Latency | None) -> str:
    """Size of the file in kilobytes."""
    return "-" if latency is None else f"{latency.size / 1000:,.0f} kB"
