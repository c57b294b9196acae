"""What the recipes share: manifests, scores, metrics, pictures, progress, run folders."""
