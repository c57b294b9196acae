"""The kinds of tasks: classes, labels, numbers."""
