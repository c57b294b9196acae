"""A corpus of one's own in words, as far as anything is known of it."""

from recipes.common.corpus_facts import CorpusFacts

FACTS = CorpusFacts(
    title="a corpus of one's own",
    source="described by a CSV file; say here what it is and who made it",
    task="Classes of speech",
    language="a language that is not stated",
    acted=None,
    speech="people of whom nothing is stated",
    recordings="to be stated by whoever made them",
    license=(
        "That of the recordings, to be stated by whoever trained the model. The software is under "
        "the Apache License 2.0."
    ),
    shareable=False,
)
