"""What is compared: everything of a training but its learning rate, seed and fold."""

import dataclasses
import re
from typing import get_args

from recipes.common.settings import RecipeSettings
from recipes.compare.tables.cell_result import CellResult, Control

_SIZES = ("light", "large")
_CONTROLS = ("", *get_args(Control))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train a backbone.

    Attributes:
        size: Of the backbone.
        expansion: HRF expansion; 0: plain. Of a control that of the HRF it is compared with.
        factors: Of an expanded kernel; 0 of a plain model.
        optimizer: Its name.
        control: Which control it is; `""`: none.
    """

    size: str
    expansion: int
    factors: int
    optimizer: str
    control: str

    @classmethod
    def of(cls, settings: RecipeSettings | CellResult, control: str) -> "Arm":
        """The arm of a run with such settings."""
        return cls(
            size=settings.size,
            expansion=settings.expansion,
            factors=settings.factors if settings.expansion else 0,
            optimizer=settings.optimizer,
            control=control,
        )

    @property
    def plain(self) -> "Arm":
        """The plain one of the same size and optimizer."""
        return dataclasses.replace(self, expansion=0, factors=0, control="")

    @property
    def is_expanded(self) -> bool:
        """Whether it is HRF as it is meant, and no control."""
        return bool(self.expansion) and not self.control

    @property
    def key(self) -> tuple:
        """By which arms are sorted: small before large, plain before HRF before its controls."""
        size = _SIZES.index(self.size) if self.size in _SIZES else len(_SIZES)
        control = _CONTROLS.index(self.control)
        expansion = (bool(self.expansion), bool(control), self.expansion, self.factors, control)
        return (self.optimizer, size, self.size, *expansion)

    def name(self, *, with_optimizer: bool = False) -> str:
        """How it is called in tables.

        Args:
            with_optimizer: Whether arms beside it have another optimizer.
        """
        expansion = f"r={self.expansion}" + (f", {self.factors} factors" * (self.factors != 2))
        if not self.expansion:
            name = self.size
        elif self.control in ("longer", "wider"):
            name = f"{self.size}, {self.control} (as {expansion})"
        else:
            name = f"{self.size} + HRF {expansion}" + f", {self.control}" * bool(self.control)
        return name + f", {self.optimizer}" * with_optimizer


def natural(text: str) -> tuple:
    """By which names are sorted: "fold 2" before "fold 10"."""
    # Every second part is a number.
    parts = enumerate(re.split(r"([0-9]+)", text))
    return tuple(int(part) if place % 2 else part for place, part in parts), text
