"""The process of `keras_steps` for PyTorch, in eager mode: the light ConvTransformer, pre-norm.

It runs in an environment of its own, which needs torch and numpy alone, and takes the weights
that `keras_steps` wrote: the networks are one if the logits are.
"""

import json
import math
import sys
import time

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]


class Encoder(nn.Module):
    """A pre-norm encoder layer."""

    def __init__(self, units: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.attention_norm = nn.LayerNorm(units, eps=1e-5)
        self.qkv = nn.Linear(units, 3 * units)
        self.output_projection = nn.Linear(units, units)
        self.feed_forward_norm = nn.LayerNorm(units, eps=1e-5)
        self.fc1 = nn.Linear(units, hidden)
        self.fc2 = nn.Linear(hidden, units)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        batch, frames, units = x.shape
        parts = self.qkv(self.attention_norm(x)).view(batch, frames, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        heads = functional.scaled_dot_product_attention(query, key, value, mask, dropout_p=rate)
        heads = heads.transpose(1, 2).reshape(batch, frames, units)
        x = x + self.dropout(self.output_projection(heads))
        hidden = self.dropout(functional.relu(self.fc1(self.feed_forward_norm(x))))
        return x + self.dropout(self.fc2(hidden))


class ConvTransformer(nn.Module):
    """Of the sizes of these weights, and with them.

    Args:
        weights: By their paths in Keras.
        heads: Number of attention heads.
        dropout: Rate of all dropouts.
    """

    def __init__(self, weights: dict[str, np.ndarray], heads: int, dropout: float):
        super().__init__()
        channels = weights["subsampling/convolution_1/kernel"].shape[-1]
        width, units = weights["subsampling/projection/kernel"].shape
        hidden = weights["encoder_0/fc1/kernel"].shape[-1]
        self.convolution_1 = nn.Conv2d(1, channels, 3, 2, 1)
        self.convolution_2 = nn.Conv2d(channels, channels, 3, 2, 1)
        self.projection = nn.Linear(width, units)
        layers = sum(path.endswith("/fc1/kernel") for path in weights)
        self.encoders = nn.ModuleList(Encoder(units, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(units, eps=1e-5)
        self.classifier = nn.Linear(units, weights["classifier/kernel"].shape[-1])
        self.dropout = nn.Dropout(dropout)
        for name, parameter in self.named_parameters():
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(_kernel(name, weights).copy()))

    def forward(self, features, valid):
        x, weight = features[:, None], valid.float()[:, None, :, None]
        for convolution in (self.convolution_1, self.convolution_2):
            x = functional.relu(convolution(x * weight))
            weight = weight[:, :, ::2]
        batch, _, frames, _ = x.shape
        x = self.projection(x.permute(0, 2, 3, 1).reshape(batch, frames, -1))
        x = self.dropout(x * math.sqrt(x.shape[-1]) + _positions(frames, x.shape[-1]))
        mask = (weight[:, :, :, 0] > 0)[:, None]
        for encoder in self.encoders:
            x = encoder(x, mask)
        x, valid = self.norm(x), weight[:, 0]
        return self.classifier((x * valid).sum(1) / valid.sum(1).clamp(min=1))


def _positions(frames: int, width: int) -> torch.Tensor:
    rates = torch.exp(-math.log(10000.0) * torch.arange(width // 2) / (width // 2 - 1))
    angles = torch.arange(frames)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _kernel(name: str, weights: dict[str, np.ndarray]) -> np.ndarray:
    """What Keras has for a parameter, in PyTorch's order of axes."""
    path, kind = name.rsplit(".", 1)
    path = path.replace("encoders.", "encoder_").replace(".", "/")
    for part in ("qkv", "output_projection"):
        path = path.replace(f"/{part}", f"/attention/{part}")
    if path.startswith(("convolution_", "projection")):
        path = f"subsampling/{path}"
    if path.endswith("norm"):
        return weights[f"{path}/{'gamma' if kind == 'weight' else 'beta'}"]
    if kind == "bias":
        return weights[f"{path}/bias"]
    kernel = weights[f"{path}/kernel"]
    return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T


def main() -> None:
    setup = json.loads(sys.stdin.readline())
    torch.set_num_threads(setup["threads"])
    torch.manual_seed(0)
    with np.load(setup["weights"]) as found:
        model = ConvTransformer(dict(found), setup["heads"], setup["dropout"])
    rng = np.random.default_rng(0)
    clips, classes = setup["steps"] * setup["batch_size"], setup["num_classes"]
    features = rng.normal(size=(clips, setup["frames"], setup["num_mels"])).astype("float32")
    features, valid = torch.from_numpy(features), torch.ones(features.shape[:2], dtype=torch.bool)
    targets = torch.from_numpy(rng.integers(classes, size=clips))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.02)
    size = setup["batch_size"]
    model.eval()
    with torch.no_grad():
        logits = model(features[:size], valid[:size])
    print(json.dumps({"logits": logits.tolist()}), flush=True)
    model.train()
    for _ in sys.stdin:
        start = time.perf_counter()
        for at in range(0, clips, size):
            optimizer.zero_grad()
            logits = model(features[at : at + size], valid[at : at + size])
            functional.cross_entropy(
                logits, targets[at : at + size], label_smoothing=0.1
            ).backward()
            optimizer.step()
        print((time.perf_counter() - start) / setup["steps"], flush=True)


if __name__ == "__main__":
    main()
