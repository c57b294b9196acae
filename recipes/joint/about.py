"""Both corpora in words."""

from recipes.common.corpus_facts import CorpusFacts
from recipes.crema_d.about import FACTS as CREMA_D
from recipes.emodb.about import FACTS as EMODB

CORPORA = (EMODB, CREMA_D)
# What both licenses begin with is said once.
_SHARED = "Apache License 2.0, as the software. "

FACTS = CorpusFacts(
    title=f"{EMODB.title} and {CREMA_D.title}",
    source=f"{EMODB.source}, and {CREMA_D.source}",
    task="Emotions in German and English acted speech",
    language="German and English",
    acted=True,
    speech=". ".join(f"{facts.title}: {facts.speech}" for facts in CORPORA),
    recordings=" and ".join(f"{facts.title} {facts.recordings}" for facts in CORPORA),
    license=_SHARED
    + " ".join(f"{facts.title}: {facts.license.removeprefix(_SHARED)}" for facts in CORPORA),
    shareable=True,
)
