"""What quantization costs: light backbones, every kind, on speakers never heard in training."""
