from . import (
    audio as audio,
)
from . import (
    deploy as deploy,
)
from . import (
    layers as layers,
)
from . import (
    models as models,
)
from . import (
    pruning as pruning,
)
from . import (
    quantizers as quantizers,
)
from . import (
    transforms as transforms,
)
from .benchmarks.files import benchmark_tflite as benchmark_tflite
from .deploy import export_tflite as export_tflite
from .deploy import inspect_tflite as inspect_tflite
from .deploy import load_classifier as load_classifier
from .deploy import verify_tflite as verify_tflite
from .layers import HRF as HRF
from .layers import Branches as Branches
from .pruning import LatencyTable as LatencyTable
from .transforms import MergeError as MergeError
from .transforms import PruningRounds as PruningRounds
from .transforms import expand as expand
from .transforms import merge as merge
from .transforms import prune as prune
from .transforms import quantize_aware as quantize_aware
from .transforms import summary as summary

__version__: str
