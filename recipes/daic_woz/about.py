"""DAIC-WOZ in words."""

from recipes.common.corpus_facts import CorpusFacts, research_only

FACTS = CorpusFacts(
    title="DAIC-WOZ",
    source=(
        "the Distress Analysis Interview Corpus, Wizard of Oz (Gratch et al., LREC 2014), in the "
        "splits of AVEC 2017"
    ),
    task="Answers to the questionnaire PHQ-8, guessed from interviews",
    language="English",
    acted=False,
    speech=(
        "people who are interviewed by an animated figure. The class is whether their own answers "
        "to the questionnaire PHQ-8 reach 10 points, not a physician's finding"
    ),
    recordings="DAIC-WOZ's own research license",
    license=research_only("DAIC-WOZ"),
    shareable=False,
    warnings=(
        "Not a medical device, and no diagnosis: neither depression nor health can be told from "
        "its scores, and nobody may be treated, refused or watched because of them. Whoever needs "
        "help asks a physician or a crisis line.",
    ),
)
