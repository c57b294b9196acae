"""Who trains, validates and tests, on which classes."""
