"""What is silence, in one number."""

# A window whose loudest tenth of a second is below this level, in decibels relative to full scale,
# is silence. Noise at -60 is. Nearly all speech at a gain of -20 dB, as from far away, is none: of
# CREMA-D's folds 3 to 5, which train (4,422 clips, 54 actors), 99.4 % are heard, of sadness, the
# softest class, 97.2 %; of EmoDB (428 clips, 8 speakers) all. Of CREMA-D, the level of the whole
# window would pass 84.9 %, and did pass 62.9 % at -55, the former rule. `EmotionOptions.kt` of the
# Android library holds the same number.
SILENCE_DECIBELS = -59.0
