"""What is compared: everything of a training but its learning rate, seed and fold."""

import dataclasses
import re
from typing import get_args

from recipes.common.settings import QuantizerName, RecipeSettings
from recipes.compare.tables.run_result import Ablation, RunResult

_SIZES = ("light", "large")
_ABLATIONS = ("", *get_args(Ablation))
_QUANTIZERS = ("", *get_args(QuantizerName))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to train a backbone.

    Attributes:
        size: Of the backbone.
        expansion: HRF expansion; 0: plain. Of an ablation that of the HRF it is compared with.
        factors: Of an expanded kernel; 0 of a plain model.
        optimizer: Its name.
        ablation: Which ablation it is; `""`: none.
        quantizer: What kernels are trained on; `""`: none.
        variant: What else is compared, by its name; `""`: nothing.
    """

    size: str
    expansion: int
    factors: int
    optimizer: str
    ablation: str
    quantizer: str = ""
    variant: str = ""

    @classmethod
    def of(cls, settings: RecipeSettings | RunResult, ablation: str, variant: str) -> "Condition":
        """The condition of a run with such settings."""
        return cls(
            size=settings.size,
            expansion=settings.expansion,
            factors=settings.factors if settings.expansion else 0,
            optimizer=settings.optimizer,
            ablation=ablation,
            quantizer=settings.quantizer or "",
            variant=variant,
        )

    @property
    def plain(self) -> "Condition":
        """The one without factors of the same size, optimizer, quantizer and variant."""
        return dataclasses.replace(self, expansion=0, factors=0, ablation="")

    @property
    def is_expanded(self) -> bool:
        """Whether it is HRF as it is meant, and no ablation."""
        return bool(self.expansion) and not self.ablation

    @property
    def key(self) -> tuple:
        """Sorts conditions: small before large, plain before HRF before its ablations."""
        size = _SIZES.index(self.size) if self.size in _SIZES else len(_SIZES)
        ablation = _ABLATIONS.index(self.ablation)
        expansion = (bool(self.expansion), bool(ablation), self.expansion, self.factors, ablation)
        quantizer = _QUANTIZERS.index(self.quantizer)
        return (self.optimizer, size, self.size, *expansion, quantizer, self.variant)

    def name(self, *, with_optimizer: bool = False) -> str:
        """How it is called in tables.

        Args:
            with_optimizer: Whether conditions beside it have another optimizer.
        """
        expansion = f"r={self.expansion}" + (f", {self.factors} factors" * (self.factors != 2))
        if not self.expansion:
            name = self.size
        elif self.ablation in ("longer", "wider"):
            name = f"{self.size}, {self.ablation} (as {expansion})"
        else:
            name = f"{self.size} + HRF {expansion}" + f", {self.ablation}" * bool(self.ablation)
        name += f", {self.quantizer}" * bool(self.quantizer)
        name += f", {self.variant}" * bool(self.variant)
        return name + f", {self.optimizer}" * with_optimizer


def natural(text: str) -> tuple:
    """By which names are sorted: "fold 2" before "fold 10"."""
    # Every second part is a number.
    parts = enumerate(re.split(r"([0-9]+)", text))
    return tuple(int(part) if place % 2 else part for place, part in parts), text
