"""CREMA-D's clips that teach nothing true, and are left out."""

_SILENT = "no sample differs from zero"
_TWO_LABELS = "the same samples are published under two emotions"

FLAGGED = {
    "1006_TIE_HAP_XX": _TWO_LABELS,
    "1006_TIE_NEU_XX": _TWO_LABELS,
    "1013_WSI_DIS_XX": _TWO_LABELS,
    "1013_WSI_SAD_XX": _TWO_LABELS,
    "1017_IWW_ANG_XX": _TWO_LABELS,
    "1017_IWW_FEA_XX": _TWO_LABELS,
    "1076_MTI_SAD_XX": _SILENT,
}
