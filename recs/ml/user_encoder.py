"""The user model in plain NumPy: what the web process computes for each request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf, expit

from recs.ml.buckets import age_buckets, gap_bucket, known_bucket
from recs.ml.histories import Histories
from recs.ml.item_tables import ItemTables
from recs.ml.known import KnownTimes

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Tensors = Mapping[str, npt.NDArray[Any]]

NORM_EPSILON = 1e-5  # torch.nn.LayerNorm's default
# Rows of attention that exist at once: 256 by 2,000 positions and 2 heads in float32 are 4 MiB.
QUERIES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class ItemEncoder:
    """`item_side.ItemSide` without torch: vectors of items from saved weights.

    `weights`: by the name they have in the network's state, below "items.".
    """

    weights: Tensors
    embedding_size: int

    def content_side(self, tables: ItemTables) -> Floats:
        """(N + 1, D) float32, what content, attributes and codes say of these items.

        Raises:
            ValueError: where the tables have other codes, attributes or dimensions than fitted.
        """
        self._check(tables)
        side = np.zeros((len(tables.counts), self.embedding_size), np.float32)
        if "map.weight" in self.weights:
            side += tables.content @ self.weights["map.weight"].T
        if "attribute_table.weight" in self.weights:
            side += self._attributes(tables)
        for level in range(self._levels):
            side += self.weights[f"code_tables.{level}.weight"][tables.codes[:, level]]
        return side

    def mix(self, own: Floats, content: Floats, known: Ints) -> Floats:
        """One vector of both sides, (..., D) float32; see `item_side.ItemSide.mix`.

        Args:
            own: (..., D) float32, embeddings of the items themselves.
            content: (..., D) float32, their content sides.
            known: (...) int64, bucket of how many events each item had; 0 hides `own`.
        """
        if "ids.weight" not in self.weights:
            return content
        if not self._has_content_side:
            return own
        gate = self.weights.get("gate", np.zeros(int(known.max(initial=0)) + 1, np.float32))[known]
        share = np.where(known > 0, expit(gate), 0.0)[..., None].astype(np.float32)
        return np.asarray(2 * (share * own + (1 - share) * content), np.float32)

    def candidates(self, tables: ItemTables, own: Floats | None = None) -> Floats:
        """(N + 1, D) float32, these items as candidates; row 0 is zero.

        Args:
            tables: of the items; their counts are what is known of them now.
            own: (N + 1, D) float32, embeddings of the items themselves; None for new items, which
                have none and whose counts are taken for 0.
        """
        known = known_bucket(tables.counts)
        if own is None:
            known = np.zeros_like(known)
            own = np.zeros((len(known), self.embedding_size), np.float32)
        vectors = self.mix(own, self.content_side(tables), known)
        vectors = vectors if vectors.flags.writeable else vectors.copy()
        vectors[0] = 0.0
        return vectors

    @property
    def _levels(self) -> int:
        return sum(name.startswith("code_tables.") for name in self.weights)

    @property
    def _has_content_side(self) -> bool:
        names = ("map.weight", "attribute_table.weight", "code_tables.0.weight")
        return any(name in self.weights for name in names)

    def _attributes(self, tables: ItemTables) -> Floats:
        """Sum of each item's attributes over the root of their number."""
        lengths = np.diff(tables.attribute_offsets)
        sums = np.zeros((len(lengths), self.embedding_size), np.float32)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        table = self.weights["attribute_table.weight"]
        np.add.at(sums, owners, table[tables.attribute_values])
        return np.asarray(sums / np.sqrt(np.maximum(lengths, 1))[:, None], np.float32)

    def _check(self, tables: ItemTables) -> None:
        sizes = [len(self.weights[f"code_tables.{n}.weight"]) - 1 for n in range(self._levels)]
        if self._levels and sizes != list(tables.code_sizes):
            raise ValueError(f"Codes of sizes {tables.code_sizes}, {sizes} were fitted.")
        if "map.weight" in self.weights:
            fitted = self.weights["map.weight"].shape[1]
            if tables.content.shape[1] != fitted:
                raise ValueError(f"Content of {tables.content.shape[1]}, {fitted} was fitted.")
        if "attribute_table.weight" in self.weights:
            fitted = len(self.weights["attribute_table.weight"])
            if tables.attributes != fitted:
                raise ValueError(f"{tables.attributes} attributes, {fitted} were fitted.")


class UserEncoder:
    """`user_model.UserModel` in evaluation, without torch: a history to a vector.

    What it gives is the network's to 1e-4, which a test asserts.
    """

    def __init__(
        self, config: Mapping[str, Any], weights: Tensors, tables: ItemTables, known: KnownTimes
    ) -> None:
        """Read what was saved.

        Args:
            config: of `UserModelConfig`, as `dataclasses.asdict` gives it.
            weights: the network's state by name, arrays of float32.
            tables: of the vocabulary's items.
            known: what was known of them when.

        Raises:
            KeyError: where a weight is missing.
            ValueError: where weights and tables are of different items.
        """
        self.longest = int(config["longest"])
        self.size = int(config["body"]["embedding_size"])
        self._heads = int(config["body"]["heads"])
        self._layers = int(config["body"]["layers"])
        self.weights = weights
        self.known = known
        self.items = ItemEncoder(_below(weights, "items."), self.size)
        self.tables = tables
        self._content = self.items.content_side(tables)
        self._own = weights.get("items.ids.weight")
        rows = {len(tables.counts), len(known.reached), len(self._content)}
        if self._own is not None:
            rows.add(len(self._own))
        if len(rows) > 1:
            raise ValueError(f"Tables of different numbers of items: {sorted(rows)}.")

    @property
    def item_count(self) -> int:
        """N."""
        return len(self._content) - 1

    def item_table(self) -> Floats:
        """(N + 1, D) float32, the vocabulary's items as candidates."""
        return self.items.candidates(self.tables, self._own)

    def own(self, rows: Ints) -> Floats:
        """(n, D) float32, embeddings of the items themselves; zeros for row 0 and without any."""
        if self._own is None:
            return np.zeros((len(rows), self.size), np.float32)
        return np.asarray(self._own[rows], np.float32)

    def encode(self, histories: Histories) -> Floats:
        """(U, D) float32 vectors of people; zeros for who did nothing."""
        vectors = np.zeros((len(histories), self.size), np.float32)
        newest = histories.newest(self.longest)
        for person in np.flatnonzero(newest.lengths > 0).tolist():
            part = slice(newest.offsets[person], newest.offsets[person + 1])
            embedded = self._embed(newest.items[part], newest.kinds[part], newest.days[part])
            vectors[person] = self._body(embedded)
        return vectors

    def _embed(
        self, items: Ints, kinds: npt.NDArray[np.int8], days: npt.NDArray[np.float64]
    ) -> Floats:
        """(T, D), the events of one history as they are read."""
        content = self._content[items]
        own = content if self._own is None else self._own[items]
        embedded = self.items.mix(own, content, self.known.buckets(items, days))
        embedded = embedded * np.float32(self.size**0.5)
        if "kinds.weight" in self.weights:
            embedded = embedded + self.weights["kinds.weight"][kinds]
        if "gaps.weight" in self.weights:
            gaps = np.zeros(len(items), np.int64)
            gaps[1:] = gap_bucket(days[1:] - days[:-1])
            embedded = embedded + self.weights["gaps.weight"][gaps]
        return np.asarray(embedded + self.weights["body.ages.weight"][age_buckets(len(items))])

    def _body(self, hidden: Floats) -> Floats:
        """(T, D) to (D,): what the newest position amounts to."""
        for layer in range(self._layers):
            # Of the last layer only the newest position is asked for, but all of its keys.
            last = layer == self._layers - 1
            hidden = self._block(f"body.blocks.{layer}.", hidden, 1 if last else len(hidden))
        return np.asarray(self._norm("body.norm", hidden)[-1])

    def _block(self, name: str, hidden: Floats, asked: int) -> Floats:
        """(T, D) to (asked, D), the newest positions."""
        normed = self._norm(f"{name}attention_norm", hidden)
        mixed = self._linear(f"{name}queries_keys_values", normed)  # (T, 3 D)
        parts = mixed.reshape(len(hidden), 3, self._heads, -1).transpose(1, 2, 0, 3)
        seen = _attend(parts[0][:, -asked:], parts[1], parts[2])  # (H, asked, D / H)
        joined = seen.transpose(1, 0, 2).reshape(asked, self.size)
        hidden = hidden[-asked:] + self._linear(f"{name}attention_out", joined)
        wide = _gelu(self._linear(f"{name}feed_in", self._norm(f"{name}feed_norm", hidden)))
        return np.asarray(hidden + self._linear(f"{name}feed_out", wide))

    def _linear(self, name: str, values: Floats) -> Floats:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return np.asarray(values @ weight.T + bias)

    def _norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(NORM_EPSILON))
        return np.asarray(
            centred / scale * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        )


def _attend(queries: Floats, keys: Floats, values: Floats) -> Floats:
    """Causal attention; the queries (H, Q, d) are of the newest of the T positions of the keys."""
    length, asked = keys.shape[1], queries.shape[1]
    scale = np.float32(queries.shape[2] ** -0.5)
    places = np.arange(length - asked, length)
    parts = []
    for start in range(0, asked, QUERIES_AT_ONCE):
        part = slice(start, min(start + QUERIES_AT_ONCE, asked))
        reach = int(places[part][-1]) + 1
        scores = queries[:, part] @ keys[:, :reach].transpose(0, 2, 1) * scale
        scores[:, np.arange(reach) > places[part][:, None]] = -np.inf
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        parts.append(scores @ values[:, :reach] / scores.sum(axis=-1, keepdims=True))
    return np.concatenate(parts, axis=1)


def _gelu(values: Floats) -> Floats:
    return np.asarray(0.5 * values * (1 + erf(values / np.float32(2**0.5))), np.float32)


def _below(weights: Tensors, prefix: str) -> Tensors:
    return {n.removeprefix(prefix): a for n, a in weights.items() if n.startswith(prefix)}
