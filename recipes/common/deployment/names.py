"""How the files of a deployment are called. Imports no Keras."""

CARD, GOLDEN, RESULTS = "MODEL_CARD.md", "golden", "export.json"
DEFAULT_KINDS = ("float32", "int8")
# Kinds whose input is features: the front end can't be quantised.
FEATURES_IN = ("int8_full",)


def file_name(kind: str) -> str:
    """Name of the `.tflite` file of a quantisation kind."""
    return f"ser_{kind}.tflite"


def predictions_name(kind: str) -> str:
    """Name of the table of a file's probabilities."""
    return f"predictions-{kind}.csv"
