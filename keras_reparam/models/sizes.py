"""The sizes of all backbones, in one place.

The paper's light and large sizes are not public; these are this project's own. `light` is well
under 1 MB as an int8 file: at most 300,000 parameters, and 60 million multiply-adds for 4 seconds.
`large` is a published full size: of the ConvTransformer, the layers, width and heads of fairseq's
`convtransformer_espnet`; of the SpeechFormer, B behind a linear layer from any features to the
published width. Published sizes have their own names; those of the SpeechFormer are meant for
`num_mels=128`. The Conformer's are its encoders, without the decoder for speech recognition, and
with kernels of 31 instead of 32 frames; its `large` is S. The
HAFFormer's sizes are not public: its `large` is one of at least 8 times `light`.
"""

SIZES: dict[str, dict[str, dict[str, int | float | str | tuple[int, ...]]]] = {
    "conformer": {
        "light": {"channels": 16, "units": 48, "num_layers": 4, "num_heads": 4, "kernel_size": 15},
        "large": {"units": 144, "num_layers": 16, "num_heads": 4},
        "S": {"units": 144, "num_layers": 16, "num_heads": 4},
        "M": {"units": 256, "num_layers": 16, "num_heads": 4},
        "L": {"units": 512, "num_layers": 17, "num_heads": 8},
    },
    "conv_transformer": {
        "light": {
            "channels": 16,
            "units": 64,
            "num_layers": 4,
            "num_heads": 4,
            "feed_forward_units": 128,
        },
        "large": {
            "channels": 64,
            "units": 256,
            "num_layers": 12,
            "num_heads": 4,
            "feed_forward_units": 2048,
        },
    },
    "haffformer": {
        "light": {"units": (48, 64, 96), "num_layers": (2, 2, 2)},
        "large": {"units": (128, 192, 256), "num_layers": (3, 3, 4)},
    },
    "speechformer": {
        # With dropout in a classifier as narrow as this one the model may learn nothing.
        "light": {"units": 64, "positions": "sinusoidal", "classifier_dropout": 0.0},
        "large": {"units": 128, "widening": (1, 1, 2), "positions": "sinusoidal"},
        "S": {},
        "B": {"widening": (1, 1, 2)},
    },
}
