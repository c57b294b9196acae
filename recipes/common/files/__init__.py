"""Files and folders that are there whole or not at all; locks; a full disk."""
