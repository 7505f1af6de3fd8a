"""Causal self-attention over histories: the body of SASRec and of the user model."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recs.ml.buckets import AGE_BUCKETS, EXACT_AGES, STEPS_A_DOUBLING


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Size of the body."""

    embedding_size: int = 128
    layers: int = 2
    heads: int = 2
    # Width of the feed-forward part as a multiple of the embedding size.
    widening: int = 1
    dropout: float = 0.5

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if min(self.embedding_size, self.layers, self.heads, self.widening) < 1:
            raise ValueError("embedding_size, layers, heads and widening count from 1.")
        if self.embedding_size % self.heads:
            raise ValueError("embedding_size is a multiple of heads.")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError("dropout goes from 0 to below 1.")


def age_bucket(ages: Tensor) -> Tensor:
    """Bucket of how many events came after one: exact below 32, four steps a doubling beyond.

    Args:
        ages: any shape, int64, from 0.

    Returns:
        The same shape, int64, from 0 to AGE_BUCKETS - 1; the last one starts at 2,048.
    """
    far = torch.log2(ages.clamp(min=EXACT_AGES).float() / EXACT_AGES)
    steps = EXACT_AGES + (far * STEPS_A_DOUBLING).floor().long()
    return torch.where(ages < EXACT_AGES, ages, steps.clamp(max=AGE_BUCKETS - 1))


class Block(nn.Module):
    """Attention to what came before, then a feed-forward net, each added to its input."""

    def __init__(self, config: TransformerConfig) -> None:
        """Layers of one block."""
        super().__init__()
        size, wide = config.embedding_size, config.embedding_size * config.widening
        self.heads, self.rate = config.heads, config.dropout
        self.attention_norm = nn.LayerNorm(size)
        self.queries_keys_values = nn.Linear(size, 3 * size)
        self.attention_out = nn.Linear(size, size)
        self.feed_norm = nn.LayerNorm(size)
        self.feed_in = nn.Linear(size, wide)
        self.feed_out = nn.Linear(wide, size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D); a position sees itself and those to its left."""
        rows, length, size = hidden.shape
        mixed = self.queries_keys_values(self.attention_norm(hidden))  # (B, T, 3 D)
        parts = mixed.view(rows, length, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        seen = F.scaled_dot_product_attention(
            parts[0], parts[1], parts[2], is_causal=True, dropout_p=rate
        )  # (B, H, T, D / H)
        joined = seen.transpose(1, 2).reshape(rows, length, size)
        hidden = hidden + self.dropout(self.attention_out(joined))
        wide = self.dropout(F.gelu(self.feed_in(self.feed_norm(hidden))))
        added: Tensor = self.dropout(self.feed_out(wide))
        return hidden + added


class Transformer(nn.Module):
    """Blocks over embedded histories, with an embedding of how old each event is.

    Source: Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, section 3.
    Differs from the paper: layer norms come before attention and feed-forward and a last one after
    them all; GELU for ReLU; positions count from the newest event and share buckets beyond 32, so
    that histories may be of any length; a history is moved to the left edge inside, so that the
    causal mask alone keeps padding out and fused attention needs no other.
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Layers; weights are drawn from torch's global generator."""
        super().__init__()
        self.ages = nn.Embedding(AGE_BUCKETS, config.embedding_size)
        nn.init.normal_(self.ages.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.embedding_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, embedded: Tensor, is_event: Tensor) -> Tensor:
        """What each position and those before it amount to.

        Args:
            embedded: (B, T, D) float, padded on the left.
            is_event: (B, T) bool, False at padding.

        Returns:
            (B, T, D) float, layer-normed; what stands at padding means nothing.
        """
        length = embedded.shape[1]
        places = torch.arange(length, device=embedded.device)
        padding = length - is_event.sum(dim=1, keepdim=True)  # (B, 1)
        # From padding on the left to padding on the right, which no event looks at.
        moved = (places + padding).clamp(max=length - 1)  # (B, T)
        hidden = embedded + self.ages(age_bucket(length - 1 - places))
        hidden = self.dropout(_taken(hidden, moved))
        for block in self.blocks:
            hidden = block(hidden)
        return _taken(self.norm(hidden), (places - padding).clamp(min=0))


def _taken(hidden: Tensor, places: Tensor) -> Tensor:
    """(B, T, D) of which row b has the positions `places[b]`."""
    return hidden.gather(1, places.unsqueeze(-1).expand(-1, -1, hidden.shape[2]))
