"""Starts runs: on this machine, on a cluster, each once."""
