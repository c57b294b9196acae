"""The microphone in a terminal: what `keras-reparam listen` hears, and shows."""
