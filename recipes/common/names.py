"""How the files of a run's folder are called. Imports no Keras."""

# Of the run, and of each evaluation.
CONFIG, RUN = "config.json", "run.json"
METRICS, PREDICTIONS, CONFUSION = "metrics.json", "predictions.csv", "confusion.png"
# Of a fold: what training leaves,
LIGHT, TRAIN, TRAINING = "light.keras", "train.keras", "training.json"
HEAD = "head.npz"
HISTORY, CURVES = "history.csv", "curves.png"
DIAGNOSTICS, SINGULAR_VALUES = "diagnostics.csv", "singular_values.csv"
DIAGNOSTICS_PLOT = "diagnostics.png"
# what it needs to go on,
CHECKPOINT, BEST = "checkpoint.npz", "best.npz"
# when the test split was read,
READINGS = "test_readings.json"
# and the files for a phone.
CARD, GOLDEN, RESULTS = "MODEL_CARD.md", "golden", "export.json"
DEFAULT_KINDS = ("float32", "int8")
# Kinds whose input is features: the front end can't be quantized.
FEATURES_IN = ("int8_full",)

# The condition of clips that nothing is done to.
CLEAN = "clean"


def file_name(kind: str) -> str:
    """Name of the `.tflite` file of a quantization kind."""
    return f"ser_{kind}.tflite"


def predictions_name(kind: str) -> str:
    """Name of the table of a file's probabilities."""
    return f"predictions-{kind}.csv"
