"""What the ablations change in the settings of the HRF that they are compared with."""

from typing import Any

_PLAIN: dict[str, Any] = {"expansion": 0, "factors": 2}

# By the ablation's name; "" is none.
CHANGES: dict[str, dict[str, Any]] = {
    "": {},
    "longer": _PLAIN,
    "wider": _PLAIN,
    "chained": {"folded": False},
    "frozen": {"frozen_factors": True},
}
# The setting whose value is measured before the ablation runs.
MEASURED = {"longer": "epochs", "wider": "backbone_options"}
