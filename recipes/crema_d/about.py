"""CREMA-D in words."""

from recipes.common.corpus_facts import CorpusFacts

FACTS = CorpusFacts(
    title="CREMA-D",
    source=(
        "the Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al., IEEE Transactions on "
        "Affective Computing 5, 2014)"
    ),
    task="Emotions in English acted speech",
    language="English",
    acted=True,
    speech=(
        "actors who speak twelve sentences that mean nothing emotional. The class is the emotion "
        "that was to be acted, which listeners of the voice alone name for 41.6 % of the clips"
    ),
    recordings="Open Database License 1.0, contents Database Contents License 1.0",
    license=(
        "Apache License 2.0, as the software. The recordings are CREMA-D's, under the Open "
        "Database License 1.0 (https://opendatacommons.org/licenses/odbl/1-0/) and its contents "
        "under the Database Contents License 1.0: name CREMA-D as the source, and share a changed "
        "copy of the database alike."
    ),
    shareable=True,
)
