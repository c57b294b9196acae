"""A large model of speech as a teacher: its features of clips, and a linear head on them."""
