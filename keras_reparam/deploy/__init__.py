"""From a Keras model to a `.tflite` file, and from speech to scores with it.

Names are resolved at first use, so that classifying imports neither Keras nor TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "runtime.classification": ["Classification"],
        "runtime.classifier": ["Classifier", "load_classifier"],
        "conversion.export": ["export_tflite"],
        "conversion.export_report": ["ExportReport"],
        "inspection.inspect_model": ["inspect_tflite"],
        "inspection.inspect_report": ["InspectionReport"],
        "release.golden": ["GoldenReport", "check_golden", "write_golden"],
        "tflite.metadata": ["TFLiteMetadata", "add_metadata", "read_metadata"],
        "release.model_card": ["ModelCard", "write_model_card"],
        "verification.verify": ["verify_tflite"],
        "verification.verify_report": ["VerificationReport"],
    },
)
