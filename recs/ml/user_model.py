"""Foray's user model: a transformer over histories of items that are more than their IDs."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from recs.ml.batches import SequenceBatch, history_batch
from recs.ml.buckets import GAP_BUCKETS
from recs.ml.histories import Histories
from recs.ml.item_side import INITIAL_SCALE, ItemSide, ItemSideConfig, ItemTables
from recs.ml.known import KnownTimes
from recs.ml.losses import bce_loss, full_softmax_loss, sampled_softmax_loss
from recs.ml.sampling import ItemSampler
from recs.ml.transformer import Transformer, TransformerConfig

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

EVENT_KINDS = 32
ENCODED_AT_ONCE = 65_536  # positions


@dataclass(frozen=True, slots=True, kw_only=True)
class UserModelConfig:
    """What the network is."""

    body: TransformerConfig = field(default_factory=TransformerConfig)
    items: ItemSideConfig = field(default_factory=ItemSideConfig)
    # Newest events of a history that are read.
    longest: int = 2000
    use_kinds: bool = True
    use_gaps: bool = True

    def __post_init__(self) -> None:
        """Refuse a network that reads nothing."""
        if self.longest < 1:
            raise ValueError("longest counts from 1.")


class UserModel(nn.Module):
    """A history to a vector, to be multiplied with the vectors of items.

    Source: Kang and McAuley, SASRec, ICDM 2018; Klenitskiy and Vasilev, Turning Dross Into Gold
        Loss: is BERT4Rec really better than SASRec?, RecSys 2023 (cross entropy over the whole
        catalogue); Chen et al., RecSys 2024 (content, trainable tables of codes, gate).
    Differs from the papers: see `Transformer` and `ItemSide`; kinds of events and the time since
        the event before are added to what is read.
    """

    def __init__(self, config: UserModelConfig, tables: ItemTables) -> None:
        """Layers; weights are drawn from torch's global generator."""
        super().__init__()
        size = config.body.embedding_size
        self.config = config
        self.items = ItemSide(config.items, tables, size)
        self.body = Transformer(config.body)
        self.kinds = _added(EVENT_KINDS, size) if config.use_kinds else None
        self.gaps = _added(GAP_BUCKETS, size) if config.use_gaps else None

    def forward(self, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
        """What each position amounts to, and the items as candidates.

        In training some items are taken for new, in histories and among candidates alike.

        Returns:
            (B, T, D) float and (N + 1, D) float; a score is a product of rows of both.
        """
        side = self.items
        content, own, hidden_items = side.content_side(), side.own(), side.hidden_items()
        known, now = batch.known.clamp(min=0), side.counts
        if hidden_items is not None:
            known = known.masked_fill(hidden_items[batch.items], 0)
            now = now.masked_fill(hidden_items, 0)
        table = side.mix(own, content, now)
        read = side.mix(own[batch.items], content[batch.items], known)
        embedded = read * self.config.body.embedding_size**0.5
        if self.kinds is not None:
            embedded = embedded + self.kinds(batch.kinds)
        if self.gaps is not None:
            embedded = embedded + self.gaps(batch.gaps)
        return self.body(embedded, batch.items != 0), table

    def item_table(self) -> Tensor:
        """(N + 1, D), the items as candidates."""
        side = self.items
        return side.mix(side.own(), side.content_side(), side.counts)


def encode_users(net: UserModel, histories: Histories, known: KnownTimes) -> Floats:
    """Vectors of people from what they did.

    Args:
        net: in whatever mode; it is left in evaluation mode.
        histories: U of them; someone who did nothing gets zeros.
        known: what was known of the items, see there.

    Returns:
        (U, D) float32.
    """
    net.eval()
    device = net.items.counts.device
    histories = histories.newest(net.config.longest)
    counts = known.before(histories)
    vectors = np.zeros((len(histories), net.config.body.embedding_size), np.float32)
    order = np.argsort(histories.lengths, kind="stable")
    order = order[histories.lengths[order] > 0]
    with torch.inference_mode():
        start = 0
        while start < len(order):
            # The last of so many has the longest history: what all are padded to.
            stop = min(start + 512, len(order))
            widest = int(histories.lengths[order[stop - 1]])
            stop = start + max(1, min(stop - start, ENCODED_AT_ONCE // widest))
            persons = order[start:stop]
            batch = history_batch(histories, persons, net.config.longest, counts).to(device)
            vectors[persons] = net(batch)[0][:, -1].float().cpu().numpy()
            start = stop
    return vectors


def encode_items(net: UserModel) -> Floats:
    """Vectors of the items as candidates, (N + 1, D) float32; row 0 is zero."""
    net.eval()
    with torch.inference_mode():
        table: Floats = net.item_table().float().cpu().numpy()
    table[0] = 0.0
    return table


def next_item_loss(
    *, sampler: ItemSampler | None = None, samples: int = 0
) -> Callable[[nn.Module, SequenceBatch], Tensor]:
    """The loss of predicting what comes next at every position.

    Args:
        sampler: draws candidates where the catalogue is too large for all of them.
        samples: how many it draws for a batch, with log-Q correction.

    Returns:
        A function of the network and a batch to a scalar, the mean over the predictions.
    """

    def loss(net: nn.Module, batch: SequenceBatch) -> Tensor:
        hidden, table, wanted = _predictions(net, batch)
        if sampler is None:
            return full_softmax_loss(hidden, table, wanted)
        drawn = sampler.draw(samples)
        return sampled_softmax_loss(hidden, table, wanted, samples=drawn, log_q=sampler.log_q)

    return loss


def published_loss(sampler: ItemSampler) -> Callable[[nn.Module, SequenceBatch], Tensor]:
    """SASRec's own loss: binary cross entropy with one drawn item for each position."""

    def loss(net: nn.Module, batch: SequenceBatch) -> Tensor:
        hidden, table, wanted = _predictions(net, batch)
        return bce_loss(hidden, table, wanted, sampler.draw(len(wanted), 1))

    return loss


def _predictions(net: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor, Tensor]:
    """What was made of each position that has a next item (P, D), the items, the next ones."""
    hidden, table = net(batch)
    is_wanted = batch.targets != 0
    return hidden[is_wanted], table, batch.targets[is_wanted]


def _added(rows: int, size: int) -> nn.Embedding:
    """A table of what is added to an event; row 0, the unknown, starts at zero like the others."""
    table = nn.Embedding(rows, size, padding_idx=0)
    nn.init.normal_(table.weight, std=INITIAL_SCALE)
    with torch.no_grad():
        table.weight[0] = 0.0
    return table
