"""`MergeError`: the merged model is not the trained one."""


class MergeError(ValueError):
    """A merged layer or model differs from the trained one by more than the tolerance.

    Args:
        path: Path of the layer that differs, or `"the whole model"`.
        difference: Largest difference of the outputs, relative to their largest value.
        tolerance: What was allowed.

    Example:

    >>> str(MergeError("encoder/fc1", 0.5, 1e-5))
    "After the merge the output of 'encoder/fc1' differs by 0.5 (allowed: 1e-05)."
    """

    def __init__(self, path: str, difference: float, tolerance: float) -> None:
        super().__init__(
            f"After the merge the output of '{path}' differs by {difference:.3g} "
            f"(allowed: {tolerance:.3g})."
        )
        self.path = path
        self.difference = difference
        self.tolerance = tolerance
