"""`LatentLayer`: training forms without factors."""

from typing import Any

import numpy as np

from keras_reparam.layers.reparam_layer import ReparamLayer


class LatentLayer(ReparamLayer):
    """Base: the latent kernel is a variable of the plain kernel's shape."""

    def add_own_weights(self, kernel_shape: tuple[int, ...], start: dict[str, Any]) -> None:
        self._add_own("latent", kernel_shape, start["latent"])

    def init_fresh(self, draw: Any, kernel_shape: tuple[int, ...]) -> dict[str, Any]:
        return {"latent": draw}

    def init_from_plain(self, kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, Any]:
        return {"latent": kernel}

    def fold(self, weights: dict[str, Any], xp: Any) -> tuple[Any, Any]:
        return weights["latent"], weights.get("bias")
