"""Texts as MiniLM's lower blocks leave them: states of their tokens, computed once.

Letters in shapes: N texts, B of them at once, T tokens, D 384.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from recs.ml.query_encoder import BertShape, map_safetensors

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStates:
    """Text n has `states[offsets[n]:offsets[n + 1]]`, (sum of T, D) float16.

    Halves take half the memory and are precise enough for a start.
    """

    offsets: Ints
    states: Halves

    def __len__(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """(N,) int64: T of each."""
        return np.diff(self.offsets)

    def padded(self, rows: Ints) -> tuple[Tensor, Tensor]:
        """Some texts: (B, T, D) float32, and (B, T) bool, whether there is a token."""
        lengths = self.lengths[rows]
        is_token = np.arange(int(lengths.max(initial=1))) < lengths[:, None]  # (B, T)
        states = np.zeros((*is_token.shape, self.states.shape[1]), np.float32)
        for place, (row, length) in enumerate(zip(rows.tolist(), lengths.tolist(), strict=True)):
            start = self.offsets[row]
            states[place, :length] = self.states[start : start + length]
        return torch.from_numpy(states), torch.from_numpy(is_token)


def read_blocks(
    model_dir: Path, *, first: int = 0, last: int | None = None, dropout: float = 0.0
) -> nn.ModuleList:
    """The encoder's blocks from one to another, with their packaged weights.

    Source: Devlin et al., BERT, NAACL 2019 (the block); Wang et al., MiniLM, NeurIPS 2020.

    Args:
        model_dir: a sentence-transformers folder with a BERT.
        first: from 0.
        last: not included; None for all that come.
        dropout: in training.

    Raises:
        ValueError: where it is no BERT of that kind.
    """
    shape = BertShape.read(model_dir)
    weights = map_safetensors(model_dir / "model.safetensors")
    return nn.ModuleList(
        _block(weights, number, shape, dropout) for number in range(shape.layers)[first:last]
    )


# A block's parts: torch's name, and BERT's of what is laid side by side there.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "self_attn.in_proj_": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "self_attn.out_proj.": ("attention.output.dense",),
    "norm1.": ("attention.output.LayerNorm",),
    "linear1.": ("intermediate.dense",),
    "linear2.": ("output.dense",),
    "norm2.": ("output.LayerNorm",),
}


def _block(
    weights: Mapping[str, Floats], number: int, shape: BertShape, dropout: float
) -> nn.TransformerEncoderLayer:
    base = f"encoder.layer.{number}"
    inner, size = weights[f"{base}.intermediate.dense.weight"].shape
    block = nn.TransformerEncoderLayer(
        size, shape.heads, inner, dropout, activation="gelu", batch_first=True,
        layer_norm_eps=shape.layer_norm_eps,
    )  # fmt: skip
    block.load_state_dict(
        {
            f"{own}{kind}": torch.from_numpy(
                np.concatenate([weights[f"{base}.{name}.{kind}"] for name in theirs])
            )
            for own, theirs in _PARTS.items()
            for kind in ("weight", "bias")
        }
    )
    return block


def encode_tokens(
    model_dir: Path, texts: Sequence[str] | Sequence[tuple[str, str]], *, blocks: int, longest: int
) -> TokenStates:
    """The states of each text after the first blocks.

    Args:
        model_dir: a sentence-transformers folder with a BERT.
        texts: N; of two texts as one, a mark stands between them, and the longer one is cut first.
        blocks: how many of the lower ones.
        longest: tokens that are read of a text, the two marks round it included.
    """
    tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=longest)
    listed = [read.ids for read in tokenizer.encode_batch(list(texts))]
    lengths = np.array([len(ids) for ids in listed], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    weights = map_safetensors(model_dir / "model.safetensors")
    lower = read_blocks(model_dir, last=blocks).eval()
    eps = BertShape.read(model_dir).layer_norm_eps
    size = weights["embeddings.word_embeddings.weight"].shape[1]
    states = np.zeros((int(offsets[-1]), size), np.float16)
    order = np.argsort(lengths, kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), _AT_ONCE):
            rows = order[start : start + _AT_ONCE].tolist()
            found = run_blocks(lower, *_embedded([listed[row] for row in rows], weights, eps))
            for row, values in zip(rows, found.numpy(), strict=True):
                states[offsets[row] : offsets[row + 1]] = values[: lengths[row]]
    return TokenStates(offsets=offsets, states=states)


def run_blocks(blocks: Iterable[nn.Module], states: Tensor, is_token: Tensor) -> Tensor:
    """(B, T, D): what the blocks make of states (B, T, D); padding is attended to by nobody."""
    for block in blocks:
        states = block(states, src_key_padding_mask=~is_token)  # (B, T, D)
    return states


def _embedded(
    listed: Sequence[Sequence[int]], weights: Mapping[str, Floats], eps: float
) -> tuple[Tensor, Tensor]:
    """(B, T, D) before the first block, and (B, T) bool."""
    ids = np.zeros((len(listed), max(len(row) for row in listed)), np.int64)
    is_token = np.zeros(ids.shape, np.bool_)
    for place, row in enumerate(listed):
        ids[place, : len(row)] = row
        is_token[place, : len(row)] = True
    summed = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    scale, shift = (
        torch.from_numpy(weights[f"embeddings.LayerNorm.{name}"].copy())
        for name in ("weight", "bias")
    )
    states = nn.functional.layer_norm(
        torch.from_numpy(summed), (summed.shape[-1],), scale, shift, eps
    )
    return states, torch.from_numpy(is_token)
