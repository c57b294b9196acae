"""What settings mean nothing where there are no classes."""

# A linear classifier on a teacher's features, one of latent weights beside the quantized ones, and
# votes.
WITHOUT_CLASSES = {"teacher": None, "latent_teacher": False, "decision_rule": "mean"}
