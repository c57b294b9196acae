"""IEMOCAP in words."""

from recipes.common.corpus_facts import CorpusFacts, research_only

FACTS = CorpusFacts(
    title="IEMOCAP",
    source=(
        "the Interactive Emotional Dyadic Motion Capture Database (Busso et al., Language "
        "Resources and Evaluation 42, 2008)"
    ),
    task="Emotions in English acted speech",
    language="English",
    acted=True,
    speech="actors in a studio, in scripted and improvised dialogs of two",
    recordings="IEMOCAP's own research license",
    license=research_only("IEMOCAP"),
    shareable=False,
)
