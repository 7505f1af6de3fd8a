"""The text encoder's forward pass in plain NumPy, so that a web process needs no torch.

Source: Wang et al., MiniLM, 2020, and Devlin et al., BERT, 2018 (the network); Reimers and
Gurevych, Sentence-BERT, 2019 (mean pooling). Differs from the paper: nothing known; the test holds
it against sentence-transformers. Letters in shapes: T tokens, D 384, H heads, F 1536.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]
_SQRT_HALF = np.float32(0.5**0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """What config.json says of the network."""

    layers: int
    heads: int
    layer_norm_eps: float
    max_tokens: int

    @classmethod
    def read(cls, model_dir: Path) -> "BertShape":
        """The shape of the model in this folder.

        Raises:
            ValueError: where it is not a BERT with GELU, mean pooling and absolute positions.
        """
        config = _read_json(model_dir / "config.json")
        pooling = _read_json(model_dir / "1_Pooling" / "config.json")
        if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
            raise ValueError(f"{model_dir} holds no BERT with GELU.")
        if not pooling["pooling_mode_mean_tokens"]:
            raise ValueError(f"{model_dir} does not pool by the mean.")
        sentence = _read_json(model_dir / "sentence_bert_config.json")
        return cls(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            layer_norm_eps=float(config["layer_norm_eps"]),
            # tokenizer.json truncates at 128; sentence-transformers goes by this file.
            max_tokens=int(sentence["max_seq_length"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """Weights of one block; matrices are (in, out), contiguous."""

    projections: tuple[Floats, Floats]  # query, key and value side by side: (D, 3 D)
    attended: tuple[Floats, Floats]
    attended_norm: tuple[Floats, Floats]
    inner: tuple[Floats, Floats]
    outer: tuple[Floats, Floats]
    outer_norm: tuple[Floats, Floats]


class QueryEncoder:
    """Unit vectors of texts, equal to sentence-transformers' up to rounding.

    The table of words, half of the file, stays mapped: only the rows of words that occur are read.
    The blocks' matrices are copied once, 42 MB, because multiplying by a transposed view takes
    twice as long for a few tokens (benchmarks: 10.7 against 5.4 ms a query on one core).
    """

    def __init__(self, model_dir: Path) -> None:
        """Map the weights and read the tokenizer of a sentence-transformers folder."""
        self._shape = BertShape.read(model_dir)
        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_length=self._shape.max_tokens)
        self._tokenizer.no_padding()
        weights = map_safetensors(model_dir / "model.safetensors")
        self._words = weights["embeddings.word_embeddings.weight"]
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )[: self._shape.max_tokens]
        self._norm = _pair(weights, "embeddings.LayerNorm", transposed=False)
        self._layers = [_read_layer(weights, number) for number in range(self._shape.layers)]

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._words.shape[1])

    def knows(self, word: str) -> bool:
        """Whether it is a whole word of the encoder's vocabulary: common in what it has read."""
        return self._tokenizer.token_to_id(word) is not None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of unit length.

        Args:
            texts: N texts of any length; what exceeds the model's tokens is not read.

        Returns:
            (N, D) float32.
        """
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            # One at a time: no padding, and a query's cost is reading the weights.
            vectors[row] = self._encode_one(self._tokenizer.encode(text).ids)
        return vectors

    def _encode_one(self, token_ids: list[int]) -> Floats:
        eps = self._shape.layer_norm_eps
        states = self._words[token_ids] + self._positions[: len(token_ids)]  # (T, D)
        states = _layer_norm(states, self._norm, eps)
        for layer in self._layers:
            attended = _linear(self._attend(states, layer), layer.attended)
            states = _layer_norm(states + attended, layer.attended_norm, eps)
            inner = _gelu(_linear(states, layer.inner))  # (T, F)
            states = _layer_norm(states + _linear(inner, layer.outer), layer.outer_norm, eps)
        pooled = states.mean(axis=0)  # (D,)
        norm = np.linalg.norm(pooled)
        return np.asarray(pooled / np.maximum(norm, np.float32(1e-12)), dtype=np.float32)

    def _attend(self, states: Floats, layer: _Layer) -> Floats:
        projected = _linear(states, layer.projections)  # (T, 3 D)
        query, key, value = (self._split(part) for part in np.split(projected, 3, axis=1))
        # (H, T, D/H) each
        scale = np.float32(query.shape[-1] ** -0.5)
        weights = query @ key.transpose(0, 2, 1) * scale  # (H, T, T)
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value).transpose(1, 0, 2)  # (T, H, D/H)
        return np.ascontiguousarray(mixed).reshape(states.shape)

    def _split(self, states: Floats) -> Floats:
        return states.reshape(len(states), self._shape.heads, -1).transpose(1, 0, 2)


def map_safetensors(path: Path) -> dict[str, Floats]:
    """Float32 tensors of a safetensors file as read-only views of the mapped file.

    Raises:
        ValueError: where a weight is not float32.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    mapped = np.memmap(path, mode="r", dtype=np.uint8, offset=8 + length)
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] == "I64":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} in {path} is {entry['dtype']}, not F32.")
        begin, end = entry["data_offsets"]
        tensors[name] = np.asarray(mapped[begin:end]).view(np.float32).reshape(entry["shape"])
    return tensors


def _read_layer(weights: Mapping[str, Floats], number: int) -> _Layer:
    base = f"encoder.layer.{number}"
    names = ("query", "key", "value")
    projections = [_pair(weights, f"{base}.attention.self.{name}") for name in names]
    return _Layer(
        projections=(
            np.hstack([matrix for matrix, _ in projections]),
            np.hstack([bias for _, bias in projections]),
        ),
        attended=_pair(weights, f"{base}.attention.output.dense"),
        attended_norm=_pair(weights, f"{base}.attention.output.LayerNorm", transposed=False),
        inner=_pair(weights, f"{base}.intermediate.dense"),
        outer=_pair(weights, f"{base}.output.dense"),
        outer_norm=_pair(weights, f"{base}.output.LayerNorm", transposed=False),
    )


def _pair(
    weights: Mapping[str, Floats], name: str, *, transposed: bool = True
) -> tuple[Floats, Floats]:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return (np.ascontiguousarray(weight.T) if transposed else weight), bias


def _linear(states: Floats, weights: tuple[Floats, Floats]) -> Floats:
    matrix, bias = weights
    result: Floats = states @ matrix
    result += bias
    return result


def _layer_norm(states: Floats, weights: tuple[Floats, Floats], eps: float) -> Floats:
    scale, shift = weights
    centred = states - states.mean(axis=-1, keepdims=True)
    variance = np.einsum("td,td->t", centred, centred)[:, None] / np.float32(states.shape[-1])
    return np.asarray(centred / np.sqrt(variance + np.float32(eps)) * scale + shift)


def _gelu(states: Floats) -> Floats:
    return np.asarray(states * np.float32(0.5) * (np.float32(1) + erf(states * _SQRT_HALF)))


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
