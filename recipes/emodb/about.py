"""EmoDB in words."""

from recipes.common.corpus_facts import CorpusFacts

FACTS = CorpusFacts(
    title="EmoDB",
    source="the Berlin Database of Emotional Speech (Burkhardt et al., Interspeech 2005)",
    task="Emotions in German acted speech",
    language="German",
    acted=True,
    speech="actors in an anechoic chamber, who speak ten sentences that mean nothing emotional",
    recordings="CC0 1.0",
    license="Apache License 2.0, as the software. The recordings are CC0 1.0.",
    shareable=True,
)
