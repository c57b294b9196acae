"""CREMA-D: 91 actors, twelve English sentences, six emotions."""
