"""What a user would take instead of the shipped model: `python -m recipes.baselines`.

Four models are trained and tested on the same speakers, in one run, on one core: the package's own
file; openSMILE's eGeMAPS with a linear support vector machine; a network built from the published
description of Light-SERNet; and Whisper's encoder, as it is, with a linear head.
"""
