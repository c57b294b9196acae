"""Whisper, from a package's file to a preset of KerasHub."""
