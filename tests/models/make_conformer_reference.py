"""Writes conformer_reference.npz: outputs of an independent Conformer, with its random weights.

Run once, with what the project itself does not need:

    python -m pip install torch==1.13.1 transformers==4.40.2 "numpy<2"
    python tests/models/make_conformer_reference.py

Wav2Vec2Conformer's encoder layers with relative positions are Conformer blocks. Arrays: `x`, the
input of the first of two blocks; `y`, the output of the second; `mask`, and `attended`, what the
first block's attention makes of `x` under it; `block_<i>/<name>`, the weights by PyTorch's names.
"""

from pathlib import Path

import numpy as np
import torch
from transformers import Wav2Vec2ConformerConfig
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerEncoderLayer,
    Wav2Vec2ConformerRelPositionalEmbedding,
)

torch.manual_seed(11)
config = Wav2Vec2ConformerConfig(
    hidden_size=16,
    num_attention_heads=4,
    intermediate_size=24,
    hidden_act="swish",
    conv_depthwise_kernel_size=7,
    position_embeddings_type="relative",
    max_source_positions=50,
)
blocks = [Wav2Vec2ConformerEncoderLayer(config).eval() for _ in range(2)]
for block in blocks:
    for name, value in block.state_dict().items():
        if value.dtype.is_floating_point:
            spread = 0.3 if value.dim() > 1 else 0.2
            value += spread * torch.randn_like(value)
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
x = torch.randn(2, 13, 16)
valid = torch.arange(13)[None] < torch.tensor([[13], [8]])
with torch.no_grad():
    positions = Wav2Vec2ConformerRelPositionalEmbedding(config)(x)
    y = x
    for block in blocks:
        y, _ = block(y, relative_position_embeddings=positions)
    attended, _ = blocks[0].self_attn(
        x,
        attention_mask=torch.where(valid, 0.0, -1e9)[:, None, None],
        relative_position_embeddings=positions,
    )
arrays = {
    f"block_{i}/{name}": value.numpy()
    for i, block in enumerate(blocks)
    for name, value in block.state_dict().items()
    if value.dtype.is_floating_point
}
np.savez_compressed(
    Path(__file__).with_name("conformer_reference.npz"),
    x=x.numpy(),
    y=y.numpy(),
    mask=valid.numpy(),
    attended=attended.numpy(),
    **arrays,
)
