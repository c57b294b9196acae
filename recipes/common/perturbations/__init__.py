"""What phones, rooms and networks do to speech, as pure functions of samples.

Samples are float arrays `(samples,)`, mono, between -1 and 1. Results are float32 of the same
length, unless silence is added or something cut; they may lie beyond -1 and 1 until
`level.sixteen_bits` clips them. What is random is drawn from a `numpy.random.Generator` that the
caller seeds: the same seed gives the same samples. Nothing here knows of corpora or models.
"""
