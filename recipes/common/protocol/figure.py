"""What decisions are measured by."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of results: how it is called, and how it is shown.

    Args:
        name: As people read it.
        factor: What it is multiplied by where it is shown.
        decimals: How many it has then.
        unit: What stands behind it, in a sentence.

    Example:

    >>> Figure("UA").text(0.7123), Figure("CCC", 1, 3, "").text(0.7123)
    ('71.2%', '0.712')
    """

    name: str
    factor: float = 100
    decimals: int = 1
    unit: str = "%"

    def text(self, value: float) -> str:
        """In a sentence."""
        return f"{self.factor * value:.{self.decimals}f}{self.unit}"

    def cell(self, value: float) -> str:
        """In a table; as wide for 9.5 as for 100.0, so that points are below each other."""
        return f"{self.factor * value:5.{self.decimals}f}"

    def end(self, value: float) -> str:
        """As the end of an interval, with fewer digits."""
        return f"{self.factor * value:.{max(self.decimals - 1, 0)}f}"
