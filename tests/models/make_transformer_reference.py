"""Writes transformer_reference.npz: outputs of PyTorch's Transformer layers, with their weights.

Run once, with what the project itself does not need:

    python -m pip install torch==2.6.0 numpy
    python tests/models/make_transformer_reference.py

Arrays: `x`, `mask` (true: valid), and for `post` and `pre` (norm first) `<kind>/y` and
`<kind>/y_masked`, what `torch.nn.TransformerEncoderLayer` makes of `x`, and `<kind>/<name>`, its
weights. `features`, and `front/y_21` and `front/y_22`, what the front of fairseq's
ConvTransformerEncoder makes of the first so many frames, before it scales and adds positions: two
convolutions, flattened channel by channel, and a linear layer; `front/<name>`, their weights.
"""

from pathlib import Path

import numpy as np
import torch

torch.manual_seed(7)
# The fast path leaves zeros where a key is masked.
torch.backends.mha.set_fastpath_enabled(False)


def spread(module):
    """Random weights everywhere, biases and norms too."""
    for value in module.state_dict().values():
        value += (0.3 if value.dim() > 1 else 0.2) * torch.randn_like(value)
    return module.eval()


def named(prefix, module):
    return {f"{prefix}/{name}": value.numpy() for name, value in module.state_dict().items()}


x = torch.randn(3, 11, 16) + torch.randn(3, 1, 16)
mask = torch.arange(11)[None] < torch.tensor([[11], [6], [1]])
mask[1, 2] = False
arrays = {"x": x.numpy(), "mask": mask.numpy()}
with torch.no_grad():
    for kind in ("post", "pre"):
        layer = torch.nn.TransformerEncoderLayer(
            16, 4, 24, activation="relu", batch_first=True, norm_first=kind == "pre"
        )
        spread(layer)
        arrays[f"{kind}/y"] = layer(x).numpy()
        arrays[f"{kind}/y_masked"] = layer(x, src_key_padding_mask=~mask).numpy()
        arrays |= named(kind, layer)
    convolutions = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(3, 3, 3, stride=2, padding=1),
        torch.nn.ReLU(),
    )
    linear = torch.nn.Linear(3 * 4, 8)
    front = spread(torch.nn.ModuleDict({"convolutions": convolutions, "out": linear}))
    features = torch.randn(3, 22, 13) + torch.randn(3, 1, 13)
    for frames in (21, 22):
        maps = convolutions(features[:, None, :frames])
        arrays[f"front/y_{frames}"] = linear(maps.transpose(1, 2).flatten(2)).numpy()
    arrays |= {"features": features.numpy(), **named("front", front)}
np.savez_compressed(Path(__file__).with_name("transformer_reference.npz"), **arrays)
