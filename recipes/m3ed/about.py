"""M3ED in words."""

from recipes.common.corpus_facts import CorpusFacts, research_only

FACTS = CorpusFacts(
    title="M3ED",
    source=(
        "the Multi-modal Multi-scene Multi-label Emotional Dialogue Database (Zhao et al., ACL "
        "2022)"
    ),
    task="Emotions in the speech of Mandarin television series",
    language="Mandarin",
    acted=True,
    speech="actors in dialogs of television series, with what else is heard in a scene",
    recordings="M3ED's own research license",
    license=research_only("M3ED"),
    shareable=False,
    warnings=(
        "Speakers are told apart by series and letter; a letter may be another person in another "
        "dialog of the series.",
    ),
)
