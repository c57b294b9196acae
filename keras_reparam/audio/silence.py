"""What is silence, in one number."""

# Windows below this level, in decibels relative to full scale, are silence. Recordings of speech
# lie above -50 (all clips of EmoDB and CREMA-D; EmoDB's at a gain of -20 dB too), noise at -60
# is none. `EmotionOptions.kt` of the Android library holds the same number.
SILENCE_DECIBELS = -55.0
