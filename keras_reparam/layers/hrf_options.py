"""The four options that every HRF layer, and `expand`, take."""

import numbers
from typing import Any

OPTIONS = ("expansion", "factors", "expansion_base", "hrf_bias")


def validate_options(
    *, expansion: int, factors: int, expansion_base: str, hrf_bias: bool
) -> dict[str, Any]:
    """The four HRF options as a dictionary, or a `ValueError` that says what is valid."""
    if not _is_integer(expansion) or expansion < 1:
        raise ValueError(
            "`expansion` must be a positive integer (the paper uses 2, 4 and 8). "
            f"Received: expansion={expansion!r}"
        )
    if not _is_integer(factors) or factors not in (2, 3):
        raise ValueError(
            "`factors`, the number of matrices the kernel is expanded into, must be 2 or 3. "
            f"Received: factors={factors!r}"
        )
    if expansion_base not in ("units", "input"):
        raise ValueError(
            '`expansion_base` must be "units" (inner rank = expansion x output size) or "input" '
            f"(expansion x input size). Received: expansion_base={expansion_base!r}"
        )
    if not isinstance(hrf_bias, bool):
        raise ValueError(f"`hrf_bias` must be True or False. Received: hrf_bias={hrf_bias!r}")
    return {
        "expansion": int(expansion),
        "factors": int(factors),
        "expansion_base": expansion_base,
        "hrf_bias": hrf_bias,
    }


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
