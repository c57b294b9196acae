"""The quantization kinds and the heads, by name. Imports nothing."""

# What each kind stores, computes, and takes and gives. A report always names the kind.
KINDS = {
    "float32": "Weights, activations, input and output float32.",
    "float16": (
        "Weights float16 (matrices and convolution kernels; the Fourier transform's stay float32), "
        "activations, input and output float32."
    ),
    "int8_dynamic": (
        "Weights of linear layers and convolutions int8, one scale per output channel; their "
        "activations quantized on the fly, anew for every input; all else, input and output float. "
        "Needs no data."
    ),
    "int8": (
        "Weights int8, one scale per output channel, and calibrated int8 activations in linear "
        "layers and convolutions where that pays; front end, normalisation, attention's products, "
        "softmax, input and output float."
    ),
    "int8_full": (
        "Weights int8, calibrated int8 activations in every operator that has an int8 kernel, "
        "softmax too; input and output int8. Features in, not a waveform."
    ),
    "int4_dynamic": (
        "As `int8_dynamic`, with weights of linear layers int4, two a byte; those of convolutions, "
        "and of layers with an odd number of inputs, stay int8. Needs no data."
    ),
}
# The kinds whose weights are integers.
INTEGER_KINDS = tuple(kind for kind in KINDS if kind.startswith("int"))
# The kinds that need to see data, to find the range of every activation.
CALIBRATED = ("int8", "int8_full")
# What `sub_byte=` may be: 2 bits for kernels of at most three values a channel, in these kinds.
SUB_BYTE = ("int2",)
SUB_BYTE_KINDS = ("int8_dynamic", "int8", "int4_dynamic")
# What makes scores of outputs: probabilities of classes of which one is true, or any number may
# be; or values, which are the scores already.
HEADS = ("softmax", "sigmoid", "linear")
