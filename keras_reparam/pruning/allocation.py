"""Which groups a budget leaves: dynamic programming, and the projection of ADMM. NumPy alone."""

from collections.abc import Sequence

import numpy as np

_TICKS = 4096


def choose_widths(
    values: Sequence[np.ndarray],
    costs: Sequence[np.ndarray],
    budget: float,
    *,
    ticks: int = _TICKS,
) -> list[int]:
    """The width of every site that together are worth most and cost no more than the budget.

    Dynamic programming over the sites and over what is left of the budget beyond the cheapest
    widths, in so many ticks. Costs are rounded up to whole ticks, so that the budget is kept
    whatever the rounding; the result is worth at least what the best of a budget smaller by a
    tick a site would be.

    Args:
        values: For each site the worth of the widths 1, 2, ...: shape `(groups,)`.
        costs: Their costs, of the same shapes.
        budget: The largest sum of costs.
        ticks: Parts in which the budget is divided.

    Returns:
        A width of at least 1 for each site.

    Raises:
        ValueError: If the cheapest widths cost more than the budget.

    Example:

    >>> choose_widths([np.array([4.0, 5.0]), np.array([1.0, 9.0])], [np.array([1.0, 2.0])] * 2, 3.0)
    [1, 2]
    """
    cheapest = [cost.min() for cost in costs]
    left = budget - sum(cheapest)
    if left < -1e-9 * max(abs(budget), 1.0):
        raise ValueError(
            "The budget must allow the cheapest width of every site, together "
            f"{sum(cheapest):.4g}. Received: budget={budget:.4g}"
        )
    tick = max(left, 0.0) / ticks
    in_ticks = [
        np.where(cost <= low, 0, np.ceil((cost - low) / tick - 1e-6) if tick else ticks + 1)
        for cost, low in zip(costs, cheapest, strict=True)
    ]
    # best[b]: the most that the sites so far are worth at b ticks or less.
    best = np.zeros(ticks + 1)
    choices = []
    for value, cost in zip(values, in_ticks, strict=True):
        total = np.full(ticks + 1, -np.inf)
        choice = np.zeros(ticks + 1, int)
        for width, (worth, price) in enumerate(zip(value, cost.astype(int), strict=True), 1):
            if price > ticks:
                continue
            now = best[: ticks + 1 - price] + worth
            better = now > total[price:]
            total[price:][better] = now[better]
            choice[price:][better] = width
        best = total
        choices.append(choice)
    widths, at = [], ticks
    for choice, cost in zip(reversed(choices), reversed(in_ticks), strict=True):
        widths.append(int(choice[at]))
        at -= int(cost[widths[-1] - 1])
    return widths[::-1]


def largest_groups(
    sizes: Sequence[np.ndarray], costs: Sequence[np.ndarray], budget: float
) -> list[np.ndarray]:
    """The groups of every site to keep: those of the largest sum of squared sizes in the budget.

    Args:
        sizes: For each site the sizes of its groups, not negative: shape `(groups,)`.
        costs: For each site the costs of the widths 1, 2, ...: shape `(groups,)`.
        budget: The largest sum of costs.

    Returns:
        For each site whether a group is kept, bool of the shape `(groups,)`; at least one is.

    Raises:
        ValueError: If the cheapest widths cost more than the budget.

    Example:

    >>> sizes = [np.array([1.0, 3.0, 2.0])]
    >>> [kept.tolist() for kept in largest_groups(sizes, [np.array([1.0, 2.0, 3.0])], 2.0)]
    [[False, True, True]]
    """
    orders = [np.argsort(-size, kind="stable") for size in sizes]
    values = [
        np.cumsum(np.square(np.asarray(size, "float64"))[order])
        for size, order in zip(sizes, orders, strict=True)
    ]
    kept = []
    for order, width in zip(orders, choose_widths(values, costs, budget), strict=True):
        chosen = np.zeros(len(order), bool)
        chosen[order[:width]] = True
        kept.append(chosen)
    return kept
