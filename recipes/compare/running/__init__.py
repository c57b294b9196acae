"""Cells that run: on this machine, on a cluster, each once."""
