"""The user model as it is saved and as it answers requests: NumPy only, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.evidence import AttributeEvidence
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_facts import ItemFacts, ItemFactsConfig
from recs.ml.item_knn import ItemKnn, ItemKnnConfig
from recs.ml.item_tables import ItemTables, as_arrays, of_arrays
from recs.ml.known import KnownTimes
from recs.ml.list_features import list_features
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.served_evidence import Proposals, ServedEvidence, attribute_rarity
from recs.ml.small_net import SmallNet, arrays_of, nets_of
from recs.ml.user_encoder import UserEncoder
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

# Of what a folder holds: another number is read by another release.
LAYOUT = 2
# Artifacts hold finite numbers only; this stands for infinity among days.
NEVER = 1e300


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One trained network: its config (of `UserModelConfig`), its state, and what it reads."""

    config: Mapping[str, Any]
    weights: Arrays
    facts: ItemFacts
    tables: ItemTables
    known: KnownTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What makes up a version: members of one vocabulary, and how their evidence is weighed.

    `weights`: of the evidence by name, in the order in which the second look reads it. `again`: the
    second look's networks, which read the best `candidates`. `attributes`: names of the
    attributes, in the order of their numbers.
    """

    members: Sequence[Member]
    weights: Mapping[str, float]
    knn: Mapping[str, ItemKnn]
    again: tuple[SmallNet, ...] = ()
    candidates: int = 1
    attributes: Sequence[str] = ()


def saved(parts: Parts) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Config and tensors of an artifact; `read` is the way back."""
    config: dict[str, Any] = {
        "layout": LAYOUT,
        "names": list(parts.weights),
        "weights": [float(weight) for weight in parts.weights.values()],
        "candidates": parts.candidates,
        "attributes": list(parts.attributes),
        "knn": {name: asdict(knn.config) for name, knn in parts.knn.items()},
        "members": [member_config(member) for member in parts.members],
    }
    tensors: dict[str, npt.NDArray[Any]] = {**arrays_of(parts.again)}
    for number, member in enumerate(parts.members):
        tensors |= {f"members.{number}.{n}": a for n, a in member_arrays(member).items()}
    for name, knn in parts.knn.items():
        tensors |= {f"knn.{name}.{part}": array for part, array in knn.tensors().items()}
    return config, tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What answers requests.

    `items`: by member (N + 1, D_m) float32, the vocabulary's items as candidates. `weights`: (F,)
    float32, of the evidence's names. `content_versions`: keys of what its content is made of.
    """

    vocabulary: Vocabulary
    members: tuple[UserEncoder, ...]
    facts: tuple[ItemFacts, ...]
    items: tuple[Floats, ...]
    evidence: ServedEvidence
    weights: Floats
    again: tuple[SmallNet, ...]
    candidates: int
    attributes: tuple[str, ...]
    content_versions: Mapping[str, int]

    @property
    def dimensions(self) -> int:
        """D, of all members together."""
        return sum(member.size for member in self.members)

    def users(self, histories: Histories) -> Floats:
        """(U, D) float32; the product with an item's vector is the mean of the members' scores."""
        parts = [member.encode(histories) for member in self.members]
        return np.concatenate(parts, axis=1) / np.float32(len(parts))

    def encode_items(self, rows: Ints, content: ItemContent) -> Floats:
        """Vectors of items as candidates, known and new ones by the same path.

        Args:
            rows: (n,) int64, their rows; 0 for an item that the vocabulary lacks.
            content: of these n items, as it is now.

        Returns:
            (n, D) float32.
        """
        rows = np.concatenate([[0], rows])
        parts = []
        for member, facts in zip(self.members, self.facts, strict=True):
            counts = np.where(rows > 0, member.tables.counts[rows], 0)
            tables = facts.tables(content, counts)
            parts.append(member.items.candidates(tables, member.own(rows))[1:])
        return np.concatenate(parts, axis=1)

    def vectors(self, rows: Ints) -> Floats:
        """(n, D) float32, items of the vocabulary as they were when the version was made."""
        return np.concatenate([table[rows] for table in self.items], axis=1)

    def neighbours(self, history: Histories, k: int) -> Ints:
        """Rows of the best k items that neighbours of one history name; fewer if they name fewer.

        Each kind of neighbours has its turn: the best of all kinds, then the second best, ...
        """
        named = []
        for knn in self.evidence.knn.values():
            found = knn.sparse_scores(history, np.array([0]))
            best = np.argsort(-found.data, kind="stable")[:k]
            named.append(np.asarray(found.indices[best], np.int64))
        width = max(map(len, named), default=0)
        turns = np.zeros((width, len(named)), np.int64)
        for column, rows in enumerate(named):
            turns[: len(rows), column] = rows
        rows, first = np.unique(turns, return_index=True)
        kept = rows > 0
        return np.asarray(rows[kept][np.argsort(first[kept])][:k])

    def scores(self, history: Histories, user: Floats, proposals: Proposals) -> Floats:
        """(C,) float32: what the version says of each proposal, the same as in training.

        The best `candidates` of them are looked at again and stay above the others.

        Args:
            history: of one person, not empty.
            user: (D,) float32, the person's vector, from users().
            proposals: items that may be shown; what was seen is not among them.
        """
        log_chances = proposals.scores - np.float32(self._log_sum(user))
        numbers = self.evidence.numbers(history, proposals, log_chances)
        scores = np.zeros(len(numbers), np.float32)
        for weight, column in zip(self.weights, numbers.T, strict=True):
            if weight:
                scores += weight * column
        if self.again and len(scores):
            self._look_again(scores, numbers, len(history.items))
        return scores

    def _look_again(self, scores: Floats, numbers: Floats, length: int) -> None:
        """Put the best into the order that the networks give them, above all others."""
        width = min(self.candidates, len(scores))
        best = np.argpartition(-scores, width - 1)[:width]
        lengths = np.array([length], np.float32)
        features = list_features(numbers[best][None], scores[best][None], lengths)
        again = scores[best] + np.mean([net.added(features)[0] for net in self.again], axis=0)
        rest = np.delete(scores, best)
        above = float(rest.max()) if len(rest) else 0.0
        scores[best] = again + np.float32(max(0.0, above + 1e-3 - float(again.min())))

    def _log_sum(self, user: Floats) -> float:
        """Mean over the members of the logarithm that makes their scores chances."""
        total, start = 0.0, 0
        for table in self.items:
            own = user[start : start + table.shape[1]] * np.float32(len(self.items))
            start += table.shape[1]
            scores = table @ own
            scores[0] = scores[1:].min(initial=0.0)
            highest = float(scores.max())
            total += highest + float(np.log(np.exp(scores - np.float32(highest)).sum()))
        return total / len(self.items)


def read(config: Mapping[str, Any], tensors: Arrays, vocabulary: Vocabulary) -> ServedModel:
    """What saved() gave.

    Raises:
        KeyError: where something is missing.
        ValueError: where parts do not fit together or are of another release.
    """
    if config.get("layout") != LAYOUT:
        raise ValueError(f"Layout {config.get('layout')} of a user model; known is {LAYOUT}.")
    members = tuple(member_encoder(_below(tensors, f"members.{n}."), given)
                    for n, given in enumerate(config["members"]))  # fmt: skip
    if {member.item_count for member in members} != {len(vocabulary)}:
        raise ValueError("The network is of another number of items than the vocabulary.")
    tables = members[0].tables
    attributes = Attributes(
        offsets=tables.attribute_offsets, values=tables.attribute_values, size=tables.attributes
    )
    if attributes.size != len(config["attributes"]):
        raise ValueError("The network is of other attributes than are named.")
    evidence = ServedEvidence(
        names=tuple(config["names"]),
        knn={
            name: ItemKnn.of_tensors(dict(_below(tensors, f"knn.{name}.")), ItemKnnConfig(**given))
            for name, given in config["knn"].items()
        },
        counts=tables.counts,
        alike=AttributeEvidence.of(attributes) if attributes.size else None,
        rarity=attribute_rarity(attributes),
    )
    facts = tuple(
        member_facts(_below(tensors, f"members.{n}."), given)
        for n, given in enumerate(config["members"])
    )
    model = ServedModel(
        vocabulary=vocabulary,
        members=members,
        facts=facts,
        items=tuple(member.item_table() for member in members),
        evidence=evidence,
        weights=np.array(config["weights"], np.float32),
        again=nets_of(tensors),
        candidates=int(config["candidates"]),
        attributes=tuple(config["attributes"]),
        content_versions=dict(config.get("content_versions", {})),
    )
    evidence.check()
    return model


def member_config(member: Member) -> dict[str, Any]:
    """What is saved of a network besides its numbers."""
    return {"net": dict(member.config), "facts": asdict(member.facts.config)}


def member_arrays(member: Member) -> dict[str, npt.NDArray[Any]]:
    """Its numbers, by name."""
    groups: dict[str, Arrays] = {
        "net": member.weights,
        "facts": member.facts.to_arrays(),
        "tables": as_arrays(member.tables),
        "known": {"reached": np.clip(member.known.reached, -NEVER, NEVER)},
    }
    return {f"{group}.{name}": a for group, arrays in groups.items() for name, a in arrays.items()}


def member_facts(arrays: Arrays, given: Mapping[str, Any]) -> ItemFacts:
    """The fitted maps of content that member_arrays() and member_config() gave."""
    return ItemFacts.from_arrays(_below(arrays, "facts."), _facts(given["facts"]))


def member_encoder(arrays: Arrays, given: Mapping[str, Any]) -> UserEncoder:
    """The network that member_arrays() and member_config() gave.

    Raises:
        KeyError: where a part is missing.
        ValueError: where parts are of different items.
    """
    return UserEncoder(
        given["net"],
        _below(arrays, "net."),
        of_arrays(_below(arrays, "tables.")),
        KnownTimes(_with_infinities(np.asarray(arrays["known.reached"], np.float64))),
    )


def _facts(given: Mapping[str, Any]) -> ItemFactsConfig:
    return ItemFactsConfig(**{**given, "semantic_ids": SemanticIdConfig(**given["semantic_ids"])})


def _with_infinities(days: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(np.abs(days) >= NEVER, np.copysign(np.inf, days), days)


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
