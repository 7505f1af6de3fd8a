"""Foray's M3CSR: two towers over behaviour and content, joined by trainable cluster tables."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recs.ml.batches import KNOWN_BUCKETS
from recs.ml.m3csr_config import PEOPLE_BY_ID, ContentTables, M3csrConfig
from recs.ml.m3csr_layers import ListAttention, ModalEncoder, decoupling, padded_table
from recs.ml.m3csr_sides import ItemSide, PairBatch, PersonSide


@dataclass(frozen=True, slots=True)
class PersonParts:
    """The user tower and what it is put together from.

    `behaviour`: (B, D). `interests`, `intensities`: (B, M, D), zero where a person has no history
    of a modality. `vector`: (B, (1 + M) D).
    """

    behaviour: Tensor
    interests: Tensor
    intensities: Tensor
    vector: Tensor


class M3csrNet(nn.Module):
    """Multi-modal cold-start retrieval with cluster tables that learn.

    Source: Chen et al., "A Multi-modal Modeling Framework for Cold-start Short-video
    Recommendation", RecSys 2024, doi 10.1145/3640457.3688098, and the authors' code.

    Differs from the paper: a person may be the mean of the newest items' vectors, mapped, in place
    of a trained vector of an id, so that people unseen in training are encoded (`people="id"` is
    the paper's); an item that nobody had taken at the moment enters with no id at all, in training
    as in serving; neighbour lists and counts hold only events from before the moment of the
    example; content is frozen (the authors' code trains it, `content_trainable`); a modality that
    is missing gets no intensity; the decoupling term is divided by the square of the batch.
    """

    content: nn.ModuleDict
    clusters: Tensor

    def __init__(self, config: M3csrConfig, content: ContentTables, people: int = 0) -> None:
        """Make it for these items.

        Args:
            config: what it is.
            content: tables of the vocabulary's items.
            people: with `people="id"`, how many have a vector of their own.
        """
        super().__init__()
        size = config.embedding_size
        self.config = config
        self.modalities = tuple(content.vectors)
        self.items = padded_table(len(content.clusters), size)
        self.modal = ModalEncoder(
            {name: table.shape[1] for name, table in content.vectors.items()},
            cluster_count=content.cluster_count,
            size=size,
            use=(config.use_dense, config.use_tables),
        )
        self.content = nn.ModuleDict()
        for name, table in content.vectors.items():
            self.content[name] = _table(table, trainable=config.content_trainable)
        self.register_buffer("clusters", content.clusters.clone())
        by_id = config.people == PEOPLE_BY_ID
        self.people = nn.Embedding(people + 1 if by_id else 1, size)
        self.pooled = nn.Linear(size, size, bias=False)
        modal = {name: ListAttention(size, 2 * size, config.heads) for name in self.modalities}
        self.modal_attention = nn.ModuleDict(modal)
        lists = ("history", "near_people", "item_people", "near_items")
        self.attention = nn.ModuleDict(
            {name: ListAttention(size, size, config.heads) for name in lists}
        )
        self.user_top = nn.Linear(3 * size, size, bias=False)
        self.item_top = nn.Linear(3 * size, size, bias=False)
        self.intensity = nn.Linear(2 * size, size)
        self.known = nn.Embedding(KNOWN_BUCKETS, config.gate_size)
        self.gate = nn.Linear(config.gate_size, 1, bias=False)
        # Both paths weigh the same at first; else chance decides which buckets trust their ids.
        nn.init.zeros_(self.gate.weight)
        nn.init.normal_(self.people.weight, std=size**-0.5)

    def keys(self, modality: str, rows: Tensor) -> Tensor:
        """(..., 2 D), what the modal encoder makes of items; rows (...) of the vocabulary."""
        vectors: Tensor = self.content[modality](rows)
        return self.modal.keys(modality, vectors, self.clusters[rows])

    def people_parts(self, side: PersonSide) -> PersonParts:
        """The user tower of B people; see `PersonParts`."""
        own = self._people(side.person, side.pool)  # (B, D)
        read = self.attention["history"](own, self.items(side.history), side.history != 0)
        near, real = self._near_people(side)
        behaviour = functional.normalize(
            self.user_top(
                torch.cat([own, read, self.attention["near_people"](own, near, real)], -1)
            ),
            dim=-1,
        )
        interests, present = self._interests(own, side.history)
        intensities = self._intensities(behaviour, interests, present)
        weighted = (intensities * interests).flatten(1)  # (B, M D)
        vector = torch.cat([behaviour, weighted], dim=1)
        return PersonParts(behaviour, interests, intensities, vector)

    def encode_people(self, side: PersonSide) -> Tensor:
        """(B, (1 + M) D), the user tower."""
        return self.people_parts(side).vector

    def encode_items(self, side: ItemSide) -> Tensor:
        """(B, (1 + M) D), the item tower."""
        own = self.items(side.ids)
        near, real = self._near_people(side)
        parts = [
            own,
            self.attention["item_people"](own, near, real),
            self.attention["near_items"](own, self.items(side.near_items), side.near_items != 0),
        ]
        behaviour = functional.normalize(self.item_top(torch.cat(parts, dim=-1)), dim=-1)
        tops = [self.modal.tops_of(name, self.keys(name, side.items)) for name in self.modalities]
        return self._gated(side.known, behaviour, tops)

    def encode_new(self, content: ContentTables) -> Tensor:
        """(N, (1 + M) D), towers of items that have no row and that nobody took: content alone.

        Args:
            content: of N items, no padding row; the same modalities and clusters as the network's.
        """
        clusters = content.clusters
        tops = [
            self.modal.tops_of(name, self.modal.keys(name, content.vectors[name], clusters))
            for name in self.modalities
        ]
        size = (len(clusters), self.config.embedding_size)
        return self._gated(torch.zeros_like(clusters), tops[0].new_zeros(size), tops)

    def forward(self, batch: PairBatch) -> tuple[Tensor, Tensor, PersonParts]:
        """Scores (B,) of what was taken and of what was not, and the parts of the people."""
        parts = self.people_parts(batch.people)
        taken = (parts.vector * self.encode_items(batch.taken)).sum(dim=-1)
        other = (parts.vector * self.encode_items(batch.other)).sum(dim=-1)
        return taken, other, parts

    def gates(self) -> Tensor:
        """(KNOWN_BUCKETS,) the share of the behaviour path by how many took an item."""
        if not self.config.use_gate:
            return torch.full((KNOWN_BUCKETS,), 0.5, device=self.known.weight.device)
        return torch.sigmoid(self.gate(self.known.weight)).squeeze(-1)

    def _gated(self, known: Tensor, behaviour: Tensor, tops: list[Tensor]) -> Tensor:
        share = self.gates()[known][:, None]  # (B, 1)
        return torch.cat([share * behaviour, *((1.0 - share) * top for top in tops)], dim=1)

    def _people(self, person: Tensor, pool: Tensor) -> Tensor:
        """Vectors of people (..., D): of an id, or the mapped mean of pooled items (..., P)."""
        if self.config.people == PEOPLE_BY_ID:
            return torch.as_tensor(self.people(person))
        flat = pool.reshape(-1, pool.shape[-1])
        mean = functional.embedding_bag(flat, self.items.weight, mode="mean", padding_idx=0)
        start = self.people.weight[0]
        return torch.as_tensor(start + self.pooled(mean.reshape(*pool.shape[:-1], -1)))

    def _near_people(self, side: PersonSide | ItemSide) -> tuple[Tensor, Tensor]:
        real = side.near_people != 0
        return self._people(side.near_people, side.near_pools), real

    def _interests(self, own: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, D) of unit length and (B, M) bool, whether there was anything to attend to."""
        interests, present = [], []
        for name in self.modalities:
            keys = self.keys(name, history)  # (B, H, 2 D)
            real = (history != 0) & (self.content[name](history) != 0).any(dim=-1)
            interests.append(
                functional.normalize(self.modal_attention[name](own, keys, real), dim=-1)
            )
            present.append(real.any(dim=1))
        return torch.stack(interests, dim=1), torch.stack(present, dim=1)

    def _intensities(self, behaviour: Tensor, interests: Tensor, present: Tensor) -> Tensor:
        """(B, M, D), softmax over the modalities that a person has any history of."""
        asked = behaviour.detach()[:, None].expand_as(interests)
        both = torch.cat([asked, interests.detach()], dim=-1)
        agreement = torch.sigmoid(self.intensity(both)) / self.config.temperature
        agreement = agreement.masked_fill(~present[..., None], -1e9)
        return torch.as_tensor(torch.softmax(agreement, dim=1) * present[..., None])


def m3csr_loss(net: M3csrNet, batch: PairBatch) -> Tensor:
    """BPR, plus the decoupling of interests, plus L2 of the vectors that took part; ()."""
    config = net.config
    taken, other, parts = net(batch)
    loss = -functional.logsigmoid(config.score_scale * (taken - other)).mean()
    if config.alpha and len(net.modalities) > 1:
        loss = loss + config.alpha * decoupling(parts.interests.unbind(dim=1))
    rows = torch.cat([batch.taken.ids, batch.other.ids])
    size: Tensor = net.items(rows).square().sum(dim=-1).mean()
    return loss + config.l2 * size


def _table(vectors: Tensor, *, trainable: bool) -> nn.Embedding:
    """Content as a table that is frozen, or, for the ablation, is trained with the rest."""
    table = nn.Embedding(vectors.shape[0], vectors.shape[1], padding_idx=0)
    table.weight.data.copy_(vectors)
    table.weight.requires_grad_(trainable)
    return table
