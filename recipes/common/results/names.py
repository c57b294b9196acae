"""Files that an evaluation leaves. Imports no Keras."""

METRICS, PREDICTIONS, CONFUSION = "metrics.json", "predictions.csv", "confusion.png"
READINGS = "test_readings.json"
