"""What a student learns from a teacher's features of the training clips."""

import dataclasses

import numpy as np
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from recipes.common.protocol.fold import Fold
from recipes.common.teacher.linear_head import chosen_strength, out_of_fold_logits
from recipes.common.teacher.pooled_features import PooledFeatures


@dataclasses.dataclass(frozen=True)
class Lessons:
    """Of every training example of a fold, in its order.

    Attributes:
        features: `(examples, components)`, float32: principal components of the teacher's
            features.
        probabilities: `(examples, classes)`, float32: what a linear head on these features says,
            one that has not heard the example's speaker.
        share: Of the target that they make up.
    """

    features: np.ndarray
    probabilities: np.ndarray
    share: float

    def of(self, numbers: np.ndarray) -> "Lessons":
        """Those of some examples, which may come several times."""
        return Lessons(self.features[numbers], self.probabilities[numbers], self.share)

    def mixed_into(self, targets: np.ndarray) -> np.ndarray:
        """The targets `(examples, classes)`, a share of which are the probabilities."""
        return (1 - self.share) * targets + self.share * self.probabilities


def lessons_of(
    fold: Fold,
    pooled: PooledFeatures,
    num_classes: int,
    *,
    components: int,
    temperature: float,
    share: float,
) -> Lessons:
    """Lessons from the training split alone; the validation split chooses the regularisation.

    The test split is not read.

    Args:
        fold: Who trains, who validates.
        pooled: The teacher's features.
        num_classes: Number of classes.
        components: How many principal components are kept, or as many as there are.
        temperature: What the head's logits are divided by.
        share: Of the target that its probabilities make up.
    """
    features, classes = pooled.labelled(fold.train)
    validation = pooled.labelled(fold.validation) if fold.validation else None
    strength = chosen_strength((features, classes), validation, num_classes)
    speakers = [example.speaker for example in fold.train]
    logits = out_of_fold_logits(features, classes, speakers, num_classes, strength)
    standard = StandardScaler().fit_transform(features)
    kept = min(components, *standard.shape)
    with threadpool_limits(1):
        parts = PCA(kept, svd_solver="covariance_eigh").fit_transform(standard)
    probabilities = softmax(logits / temperature, axis=1)
    return Lessons(parts.astype("float32"), probabilities.astype("float32"), share)
