"""Files that a training leaves in a fold's folder. Imports no Keras."""

LIGHT, TRAIN, TRAINING = "light.keras", "train.keras", "training.json"
DIAGNOSTICS, SINGULAR_VALUES = "diagnostics.csv", "singular_values.csv"
HISTORY = "history.csv"
