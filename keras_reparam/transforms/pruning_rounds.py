"""`PruningRounds`: ADMM while a model is fitted, then the groups that stay."""

from typing import Any

import keras
import numpy as np

from keras_reparam._utils.validation import non_negative_int, positive_number
from keras_reparam.layers import ReparamLayer
from keras_reparam.pruning.allocation import largest_groups
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.prunable import Groups, traced_groups


class PruningRounds(keras.callbacks.Callback):
    """Rounds of ADMM, one an epoch, then the removal; for `fit` of what `prune` returned.

    With the rows `W` of all groups, at the beginning of each of the first `rounds` epochs:

        Z = the largest groups of W + U within the budget, and zero elsewhere
        U = U + W - Z,    rho = rho_0 growth^round,    U scaled by the old rho over the new

    and the loss holds `rho / 2 |W - Z + U|^2` until the next. The epoch after them begins with
    the removal: what is not among the largest groups of `W + U` is zero from then on, and what is
    left is trained on (fine-tuning). Without such an epoch, the removal is at the end of `fit`.

    A group's size is the norm of its columns (and bias) times that of its rows: what it adds to
    the output at most, which stays the same where one is scaled up and the other down. The
    largest sum of squares within the budget is found by dynamic programming over the latency
    table. The state is in the model: a saved one goes on where it was, with `initial_epoch`.

    Only epochs after the removal are those of a smaller model: let `EarlyStopping` and the choice
    of a best epoch begin there (`start_from_epoch`).

    Args:
        rounds: Number of epochs with rounds; 0 removes the smallest groups before the first.
        rho: Weight of the penalty in the first round.
        growth: By how much it grows from round to round, at least 1.

    Raises:
        ValueError: For an argument out of its range; and, in `fit`, for a model without layers
            that are being pruned.

    Example: see `keras_reparam.prune`.

    Reference:

    - Boyd et al., Distributed optimization and statistical learning via ADMM, 2011, section 9.1.
    """

    def __init__(self, rounds: int, *, rho: float = 0.01, growth: float = 1.3) -> None:
        super().__init__()
        self.rounds = non_negative_int("rounds", rounds)
        self.rho = positive_number("rho", rho)
        self.growth = positive_number("growth", growth)
        if growth < 1:
            raise ValueError(f"`growth` must be at least 1. Received: growth={growth!r}")
        self._groups: list[Groups] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._groups = _pruned_groups(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._is_done():
            return
        if epoch >= self.rounds:
            self._remove()
            return
        states = [each.fan_out.pruning_state() for each in self._groups]
        for each, kept, state in zip(self._groups, self._largest(states), states, strict=True):
            rho = self.rho * self.growth**epoch
            target = _rows(kept, each) * (state["latent"] + state["dual"])
            dual = state["dual"] + state["latent"] - target
            # The unscaled dual is rho U, and does not depend on rho; the first round has none.
            dual *= state["rho"] / rho
            each.fan_out.aim_at(target, dual, rho)

    def on_train_end(self, logs: Any = None) -> None:
        if not self._is_done():
            self._remove()

    def _is_done(self) -> bool:
        return not all(each.fan_out.kept_groups.all() for each in self._groups)

    def _remove(self) -> None:
        states = [each.fan_out.pruning_state() for each in self._groups]
        for each, kept in zip(self._groups, self._largest(states), strict=True):
            each.fan_out.keep_groups(kept)

    def _largest(self, states: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
        sizes = []
        for each, state in zip(self._groups, states, strict=True):
            rows = np.square(state["latent"] + state["dual"])
            rows = rows.reshape(each.count, -1).sum(axis=1)
            sizes.append(np.sqrt(rows * _columns(each)))
        prunings = [each.fan_out.pruning for each in self._groups]
        return largest_groups(sizes, [x.costs for x in prunings], prunings[0].budget)


def _pruned_groups(model: keras.Model) -> list[Groups]:
    """The groups that lead into layers that are being pruned."""
    layers = [model, *(layer for _, layer in walk(model))]
    pruned = {id(x) for x in layers if isinstance(x, ReparamLayer) and x.pruning is not None}
    if not pruned:
        raise ValueError(
            f"Model '{model.name}' has no layer that is being pruned: call "
            "`keras_reparam.prune` first."
        )
    # A model around it, made for training, may call what `prune` returned more than once.
    for inner in (layer for layer in layers if isinstance(layer, keras.Model)):
        found = [each for _, each in traced_groups(inner) if each is not None]
        found = [each for each in found if id(each.fan_out) in pruned]
        if len(found) == len(pruned):
            return found
    raise ValueError(
        f"The layers of model '{model.name}' that are being pruned are not where "
        "`keras_reparam.prune` found them: fit what it returned, or a model of which that is a "
        "layer."
    )


def _rows(kept: np.ndarray, groups: Groups) -> np.ndarray:
    return np.repeat(kept, groups.block)[:, None].astype("float32")


def _columns(groups: Groups) -> np.ndarray:
    """Sums of squares of what leads into each group: its columns, with their bias."""
    total = np.zeros(groups.count)
    for part in groups.slices[:-1]:
        if part.layer is groups.fan_in:
            weight = keras.ops.convert_to_numpy(getattr(part.layer, part.weight))
            squares = np.square(weight.astype("float64"))
            squares = squares.reshape(-1, squares.shape[-1]).sum(axis=0)
            total += np.bincount(part.of(groups.count), squares, groups.count)
    return total
