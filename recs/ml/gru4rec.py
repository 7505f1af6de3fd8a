"""GRU4Rec: a recurrent network over histories."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from recs.ml.batches import BatchConfig, SequenceBatch, next_item_batches
from recs.ml.fit_types import FitConfig
from recs.ml.losses import full_softmax_loss
from recs.ml.net_scorer import NetScorer
from recs.ml.seeding import seed_everything
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.trainer import fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Gru4RecConfig:
    """Size of the network and how it is trained."""

    embedding_size: int = 100
    layers: int = 1
    dropout: float = 0.5
    # Newest events that are read.
    longest: int = 50
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(epochs=60, learning_rate=3e-3, patience=5)
    )

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if min(self.embedding_size, self.layers, self.longest) < 1:
            raise ValueError("embedding_size, layers and longest count from 1.")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError("dropout goes from 0 to below 1.")


class Gru4Rec(nn.Module):
    """GRU layers over item embeddings; the same embeddings are the candidates.

    Source: Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR 2016;
    Hidasi and Karatzoglou, Recurrent Neural Networks with Top-k Gains for Session-based
    Recommendations, CIKM 2018 (cross entropy, one table for input and output).
    Differs from the papers: see `recs.ml.family`.
    """

    def __init__(self, config: Gru4RecConfig, item_count: int) -> None:
        """Weights drawn from torch's global generator."""
        super().__init__()
        self.config = config
        size = config.embedding_size
        self.items = nn.Embedding(item_count + 1, size, padding_idx=0)
        nn.init.normal_(self.items.weight, std=0.02)
        with torch.no_grad():
            self.items.weight[0] = 0.0
        self.gru = nn.GRU(size, size, config.layers, batch_first=True)
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(config.dropout)

    def item_table(self) -> Tensor:
        """(N + 1, D); row 0 is zeros."""
        table: Tensor = self.items.weight
        return table

    def forward(self, batch: SequenceBatch) -> Tensor:
        """(B, T, D); what stands at padding means nothing."""
        length = batch.items.shape[1]
        places = torch.arange(length, device=batch.items.device)
        padding = (batch.items == 0).sum(dim=1, keepdim=True)  # (B, 1)
        # The state must not run through padding before the first event: events move to the left.
        moved = (places + padding).clamp(max=length - 1)  # (B, T)
        embedded = self.dropout(self.items(batch.items.gather(1, moved)))  # (B, T, D)
        hidden = self.dropout(self.norm(self.gru(embedded)[0]))
        back = (places - padding).clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[2])
        newest_last: Tensor = hidden.gather(1, back)
        return newest_last


def next_item_loss(net: Gru4Rec, batch: SequenceBatch) -> Tensor:
    """() float: cross entropy of what followed at every position, against all items."""
    wanted = batch.targets != 0  # (B, T)
    return full_softmax_loss(net(batch)[wanted], net.item_table(), batch.targets[wanted])


def train_gru4rec(data: SequenceData, config: Gru4RecConfig, options: TrainOptions) -> NetScorer:
    """A network trained on the histories, stopped by validation; without targets, by its epochs.

    Raises:
        NothingToLearn: where no history has two events.
    """
    seed_everything(options.seed)
    net = Gru4Rec(config, data.item_count)
    sample = data.sample(options.most_validation_people, options.seed)
    batching = BatchConfig(
        longest=config.longest, batch_size=config.fit.batch_size, seed=options.seed
    )
    report = fit(
        net,
        loss=next_item_loss,
        batches=lambda epoch: next_item_batches(data.histories, batching, epoch=epoch),
        config=replace(config.fit, seed=options.seed),
        validate=sample.validation(lambda trained: NetScorer.of(trained, config.longest)),
        options=options.run_options(),
    )
    return NetScorer.of(net, config.longest, report.best_epoch)
