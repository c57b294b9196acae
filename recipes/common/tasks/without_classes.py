"""What settings mean nothing where there are no classes."""

# A linear classifier on a teacher's features, and one of latent weights beside the quantized ones.
WITHOUT_CLASSES = {"teacher": None, "latent_teacher": False}
