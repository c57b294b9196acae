"""From a Keras model to a `.tflite` file, and from speech to scores with it.

Names are resolved at first use, so that classifying imports neither Keras nor TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classification": ["Classification"],
        "classifier": ["Classifier", "load_classifier"],
        "export": ["export_tflite"],
        "export_report": ["ExportReport"],
        "inspect_model": ["inspect_tflite"],
        "inspect_report": ["InspectionReport"],
        "golden": ["GoldenReport", "check_golden", "write_golden"],
        "metadata": ["TFLiteMetadata", "add_metadata", "read_metadata"],
        "model_card": ["ModelCard", "write_model_card"],
        "verify": ["verify_tflite"],
        "verify_report": ["VerificationReport"],
    },
)
