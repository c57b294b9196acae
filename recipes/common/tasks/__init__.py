"""The kinds of tasks: classes, shares of people who hear them, labels, numbers."""
