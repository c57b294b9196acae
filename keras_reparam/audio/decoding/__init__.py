"""From the bytes of an audio file to its samples: containers, repairs, decoders."""
