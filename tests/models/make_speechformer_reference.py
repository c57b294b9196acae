"""Writes speechformer_reference.npz: outputs of the published SpeechFormer, with random weights.

Run once, with what the project itself does not need, in a clone of its authors' repository:

    python -m pip install torch==2.6.0 numpy
    git clone https://github.com/HappyColor/SpeechFormer
    PYTHONPATH=SpeechFormer python tests/models/make_speechformer_reference.py

Arrays: `x`, three clips of 101 frames of 13 features, of which two heads take 12; for `S` and `B`
`<size>/state/<name>`, the weights; `<size>/<hop in units of 0.1 ms>/<frames>`, the logits of the
first so many frames of the clips.
"""

from pathlib import Path

import numpy as np
import torch
from model.speechformer import SpeechFormer

torch.manual_seed(3)
WIDENING = {"S": (1, 1, 1), "B": (1, 1, 2)}
# Primes, fewer frames than a window or a merge block takes, and one frame.
FRAMES = {50: (101, 7), 100: (101, 47, 3, 1), 125: (83,), 200: (61, 2), 250: (53,)}

x = ((torch.randn(3, 101, 13) + 2 * torch.randn(3, 1, 13)) * 64).round() / 64
arrays = {"x": x.numpy()}
for size, widening in WIDENING.items():
    state = None
    for hop, lengths in FRAMES.items():
        model = SpeechFormer(
            input_dim=13,
            ffn_embed_dim=6,
            num_layers=[2, 1, 1, 1],
            num_heads=2,
            hop=hop / 10_000,
            num_classes=3,
            expand=[*widening, -1],
        ).eval()
        if state is None:
            state = model.state_dict()
            for name, value in state.items():
                value += (0.2 if value.dim() > 1 else 0.1) * torch.randn_like(value)
                if name == "classifier.6.weight":
                    value *= 25
                # Few digits: the file stays small.
                value.copy_((64 * value).round() / 64)
        model.load_state_dict(state)
        with torch.no_grad():
            for frames in lengths:
                # Clip by clip: where one frame is left it takes the batch for the time.
                logits = [model(clip[None, :frames]).reshape(3) for clip in x]
                arrays[f"{size}/{hop}/{frames}"] = torch.stack(logits).numpy()
    for name, value in state.items():
        # The positions of more frames than there are would be most of the file.
        value = value[:101] if name.endswith("position") else value
        arrays[f"{size}/state/{name}"] = value.numpy()
np.savez_compressed(Path(__file__).with_name("speechformer_reference.npz"), **arrays)
