"""What goes with a published file: golden vectors and a model card."""
