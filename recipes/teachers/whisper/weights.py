"""What CTranslate2 and KerasHub call Whisper's weights."""

from typing import Any

import numpy as np

from recipes.teachers.whisper.ctranslate2 import CTranslate2Model

_SPEC = "WhisperSpec"
_POSITIONS = "position_encodings/encodings"


class WhisperWeights:
    """The variables of a CTranslate2 model as those of a `WhisperBackbone`.

    Args:
        model: What was read.

    Raises:
        ValueError: If it is no Whisper, or has no number of heads that divides its width. So do
            all methods, where a variable is missing or can't be what it is needed as.
    """

    def __init__(self, model: CTranslate2Model):
        if model.spec != _SPEC:
            raise ValueError(f"The model must be a Whisper ({_SPEC}). Received: {model.spec}")
        self._variables = model.variables
        self._width = len(self._float("encoder/layer_norm/gamma"))
        self._heads = int(self._get("encoder/num_heads"))
        if self._heads < 1 or self._width % self._heads:
            raise ValueError(
                f"Attention heads must divide the width of {self._width}. Received: "
                f"{self._heads} heads"
            )

    def config(self) -> dict[str, Any]:
        """The arguments of the `WhisperBackbone`."""
        layers = self._layers("encoder")
        if not layers or self._layers("decoder") != layers:
            raise ValueError(
                "A `WhisperBackbone` has as many layers in the encoder as in the decoder, one at "
                f"least. Received: {layers} and {self._layers('decoder')}"
            )
        return {
            "vocabulary_size": len(self._float("decoder/embeddings/weight")),
            "num_layers": layers,
            "num_heads": self._heads,
            "hidden_dim": self._width,
            "intermediate_dim": len(self._float("encoder/layer_0/ffn/linear_0/weight")),
            "num_mels": self._shaped("encoder/conv1/weight", (self._width, -1, 3)).shape[1],
            "max_encoder_sequence_length": 2 * len(self._float(f"encoder/{_POSITIONS}")),
            "max_decoder_sequence_length": len(self._float(f"decoder/{_POSITIONS}")),
        }

    def by_path(self) -> dict[str, np.ndarray]:
        """The weights, float32, by the paths of the `WhisperBackbone`'s variables."""
        embedding = "decoder_token_and_position_embedding"
        found = {
            "encoder_position_embedding/embeddings": self._float(f"encoder/{_POSITIONS}"),
            f"{embedding}/token_embedding/embeddings": self._float("decoder/embeddings/weight"),
            f"{embedding}/position_embedding/embeddings": self._float(f"decoder/{_POSITIONS}"),
        }
        for number in (1, 2):
            old, new = f"encoder/conv{number}", f"encoder_token_embedding_conv_layer_{number}"
            kernel = self._shaped(f"{old}/weight", (self._width, -1, 3))
            found |= {f"{new}/kernel": kernel.transpose(2, 1, 0)}
            found |= {f"{new}/bias": self._float(f"{old}/bias")}
        for part in ("encoder", "decoder"):
            found |= self._norm(f"{part}/layer_norm", f"{part}_layer_norm")
            for number in range(self._layers(part)):
                found |= self._layer(part, number)
        return found

    def _layer(self, part: str, number: int) -> dict[str, np.ndarray]:
        old, new = f"{part}/layer_{number}", f"transformer_{part}_layer_{number}"
        own = f"{new}/self_attention_layer" if part == "encoder" else f"{new}/self_attention"
        query, key, value = (f"{own}/{name}" for name in ("query", "key", "value"))
        found = self._projections(f"{old}/self_attention/linear_0", (query, key, value))
        found |= self._attended(f"{old}/self_attention/linear_1", own)
        found |= self._norm(f"{old}/self_attention/layer_norm", f"{new}/self_attention_layer_norm")
        if part == "decoder":
            other, cross = f"{old}/attention", f"{new}/cross_attention"
            found |= self._projections(f"{other}/linear_0", (f"{cross}/query",))
            found |= self._projections(f"{other}/linear_1", (f"{cross}/key", f"{cross}/value"))
            found |= self._attended(f"{other}/linear_2", cross)
            found |= self._norm(f"{other}/layer_norm", f"{new}/cross_attention_layer_norm")
        found |= self._norm(f"{old}/ffn/layer_norm", f"{new}/feedforward_layer_norm")
        for linear, dense in (("linear_0", "intermediate"), ("linear_1", "output")):
            weight = self._float(f"{old}/ffn/{linear}/weight")
            found[f"{new}/feedforward_{dense}_dense/kernel"] = weight.T
            bias = self._float(f"{old}/ffn/{linear}/bias")
            found[f"{new}/feedforward_{dense}_dense/bias"] = bias
        return found

    def _projections(self, old: str, new: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Queries, keys and values, as far as one matrix of CTranslate2 gives them, in order."""
        shape = (len(new), self._heads, self._width // self._heads)
        weights = self._shaped(f"{old}/weight", (*shape, self._width))
        biases = self._shaped(f"{old}/bias", shape)
        found = {}
        for name, weight, bias in zip(new, weights, biases, strict=True):
            found[f"{name}/kernel"] = weight.transpose(2, 0, 1)
            if not name.endswith("/key"):
                found[f"{name}/bias"] = bias
            elif bias.any():
                raise ValueError(
                    f"Whisper's keys have no bias. Received: '{old}/bias' with others than zeros"
                )
        return found

    def _attended(self, old: str, new: str) -> dict[str, np.ndarray]:
        shape = (self._width, self._heads, self._width // self._heads)
        weight = self._shaped(f"{old}/weight", shape)
        return {
            f"{new}/attention_output/kernel": weight.transpose(1, 2, 0),
            f"{new}/attention_output/bias": self._float(f"{old}/bias"),
        }

    def _norm(self, old: str, new: str) -> dict[str, np.ndarray]:
        return {f"{new}/{name}": self._float(f"{old}/{name}") for name in ("gamma", "beta")}

    def _layers(self, part: str) -> int:
        names = {name.split("/")[1] for name in self._variables if name.startswith(f"{part}/layer")}
        return len(names - {"layer_norm"})

    def _shaped(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        found = self._float(name)
        try:
            return found.reshape(shape)
        except ValueError:
            raise ValueError(
                f"'{name}' must have the shape {shape}, by rows. Received: {found.shape}"
            ) from None

    def _float(self, name: str) -> np.ndarray:
        found = self._get(name)
        if found.dtype.kind != "f" or not found.ndim:
            raise ValueError(
                f"'{name}' must be an array of float32 or float16: a model with integer weights "
                f"can't be converted. Received: {found.dtype} of shape {found.shape}"
            )
        return found.astype("float32")

    def _get(self, name: str) -> np.ndarray:
        try:
            return self._variables[name]
        except KeyError:
            raise ValueError(f"The model must have a variable '{name}', and has none") from None
