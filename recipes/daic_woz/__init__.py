"""DAIC-WOZ: interviews of 189 people, depressed or not."""
