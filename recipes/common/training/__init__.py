"""Training on features or waveforms: batches, model, optimiser, checkpoints."""
