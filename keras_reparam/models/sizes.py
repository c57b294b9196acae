"""The sizes of all backbones, in one place.

The paper's light and large sizes are not public; these are this project's own. `light` is well
under 1 MB as an int8 file. `large` has the layers, width and heads of fairseq's
`convtransformer_espnet`.
"""

SIZES: dict[str, dict[str, dict[str, int | float | bool]]] = {
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
}
