from .conformer import Conformer as Conformer
from .conv_transformer import ConvTransformer as ConvTransformer
from .front_end import with_front_end as with_front_end
from .haffformer import HAFFormer as HAFFormer
from .reference_state import load_reference_state as load_reference_state
from .registry import create as create
from .registry import list_models as list_models
from .speechformer import SpeechFormer as SpeechFormer
