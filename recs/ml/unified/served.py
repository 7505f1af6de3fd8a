"""The unified model as it is saved and as it answers requests: NumPy only, no torch.

Letters: N items, D embedding size, F qualities, T text vector, G graph vector, C candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.item_facts import ItemFacts, ItemFactsConfig
from recs.ml.item_knn import ItemKnn, ItemKnnConfig
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.served_model import member_arrays, member_config
from recs.ml.unified.features import Candidates, Facts, ItemSide, Question, read_features
from recs.ml.unified.inputs import FactNames, ItemInputs
from recs.ml.unified.item_arrays import ItemArrays
from recs.ml.unified.lexical import Bm25
from recs.ml.unified.person_arrays import PersonArrays
from recs.ml.unified.quality import NAMES, Quantiles, with_quality, with_weights
from recs.ml.unified.query_arrays import Asked, QueryArrays
from recs.ml.unified.ranker_arrays import RankerScores
from recs.ml.unified.surfaces import HOME, SIMILAR, TASKS, padded
from recs.ml.unified.tokens import TokenWeights, count_tokens, plain_words
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

# Of what a folder holds: another number is read by another release.
LAYOUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """One request as it comes in.

    `text`: the words, "" where there are none; a source's title may be filled in by `question`.
    `text_vector`: (T,) float32 of those words, zeros for none. `source`: the row of the item one
    looks at, 0 for none or one that the version lacks. `title`, `title_vector`: of the source,
    where it stands in for the words. `history`: of one person, rows of the vocabulary. `searches`:
    the newest searches of the person that led to an item, the newest last: words, row of the item.
    `search_vectors`: (n, T) of the newest ones' words. `is_person`: somebody is there.
    """

    task: int
    day: float
    text: str = ""
    text_vector: Floats
    source: int = 0
    title: str = ""
    title_vector: Floats | None = None
    history: Histories
    searches: Sequence[tuple[str, int]] = ()
    search_vectors: Floats | None = None
    is_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItems:
    """n items as they are stated now. `text`: (n, T) float32; `years`: (n,) float64 or NaN."""

    text: Floats
    texts: Sequence[str]
    facts: Sequence[Sequence[str]]
    years: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedUnified:
    """What answers requests of every surface.

    `queries`: rows, from 1, of words that something was chosen for; `query_graph`: (Q + 1, G) and
    `chosen`: (Q + 1, N + 1) sparse of them. `attributes`: (N + 1, A) sparse, facts of items.
    `weights`: (F,) float32, the constant part of a request's vector. `cutoffs`: by surface the
    cosine that three of four chosen things had at least. `person`: the user model that the ranker
    reads, None without one.
    """

    vocabulary: Vocabulary
    tower: QueryArrays
    item_tower: ItemArrays
    facts: Facts
    scores: RankerScores
    queries: Mapping[str, int]
    query_graph: Floats
    chosen: sparse.csr_matrix
    attributes: sparse.csr_matrix
    counts: Ints
    rarity: TokenWeights
    names: FactNames
    codes: ItemFacts
    quantiles: Quantiles
    unseen: npt.NDArray[np.float64]
    weights: Floats
    candidates: int
    history: int
    asked: int
    imputes: tuple[str, ...]
    cutoffs: Mapping[str, float]
    content_versions: Mapping[str, int]
    person: PersonArrays | None = None

    @property
    def dimensions(self) -> int:
        """D + F: what is stored of an item and asked of the index."""
        return int(self.facts.items.vectors.shape[1]) + len(self.weights)

    def question(self, request: LiveRequest) -> Question:
        """The request with what stands in for what it lacks, by the rules of impute.py."""
        newest = int(request.history.items[-1]) if len(request.history.items) else 0
        given = np.array(
            [[bool(request.text), request.source > 0, request.is_person]], dtype=np.float32
        )
        source, text, vector = request.source, request.text, request.text_vector
        surface = TASKS[request.task]
        if surface == TASKS[HOME] and surface in self.imputes and not source:
            source = newest
        is_title = request.title_vector is not None and self.reads_title(surface, source)
        if is_title and request.title_vector is not None:
            text, vector = request.title, request.title_vector
        row = 0 if is_title else self.query_row(text)
        asked = self._asked(request, (source, text, vector), row, given, source if is_title else 0)
        alone = replace(
            asked,
            history=np.zeros_like(asked.history),
            asked=np.zeros_like(asked.asked),
            given=given * np.array([1.0, 1.0, 0.0], np.float32),
            sources=asked.sources if request.task != HOME else np.zeros(1, np.int64),
        )
        picked = Histories.of_lists([[item for _, item in request.searches if item]])
        same = Histories.of_lists(
            [[item for words, item in request.searches if item and normal(words) == normal(text)]]
        )
        return Question(
            tasks=asked.tasks,
            sources=asked.sources,
            days=np.array([request.day]),
            given=given,
            words=(text,),
            text=asked.text,
            graph=asked.graph,
            chosen=self.chosen[[row]],
            vectors=self.tower.encode(asked),
            stranger=self.tower.encode(alone),
            person=self.person.users(request.history)
            if self.person is not None
            else np.zeros((1, 0), np.float32),
            known=request.history,
            picked=picked,
            same_words=same if text else Histories.of_lists([[]]),
        )

    def reads_title(self, surface: str, source: int) -> bool:
        """Whether the title of the item that one looks at stands in for words.

        It does where the version was trained so, and where it lacks the item, whose title is then
        all that it can read of it.

        Args:
            surface: one of TASKS.
            source: the item's row, 0 where the version lacks it.
        """
        return surface == TASKS[SIMILAR] and (surface in self.imputes or not source)

    def query_row(self, text: str) -> int:
        """The row of words that something was chosen for, 0 for others."""
        return self.queries.get(normal(text), 0)

    def asked_vector(self, question: Question) -> Floats:
        """(D + F,) float32, q': its product with an item's p' counts what fits and what is good."""
        return np.asarray(with_weights(question.vectors, self.weights)[0], np.float32)

    def logits(self, question: Question, candidates: Candidates) -> tuple[Floats, Floats]:
        """(C,) calibrated log-odds of one request's candidates, and (C, features)."""
        features = read_features(self.facts, question, candidates)[0]
        return self.scores.logits(features), features

    def stored_vectors(self, rows: Ints, new: NewItems) -> Floats:
        """(n, D + F) float32, p': of these rows as of the version, of new ones (0) by the tower.

        Args:
            rows: (n,) int64, 0 for an item that the version lacks.
            new: what is stated of all n.
        """
        side = self.facts.items.take(rows)
        found = with_quality(side.vectors, side.quality)
        fresh = np.flatnonzero(rows == 0).tolist()
        if fresh:
            found[fresh] = self._placed(
                NewItems(
                    text=new.text[fresh],
                    texts=[new.texts[place] for place in fresh],
                    facts=[new.facts[place] for place in fresh],
                    years=new.years[fresh],
                )
            )
        return found

    def person_side(self, text: Floats) -> Floats:
        """(n, S) float32: how the user model sees items that came later, by their text (n, T)."""
        if self.person is None:
            return np.zeros((len(text), 0), np.float32)
        return self.person.placed(text)

    def parted(self, stored: Floats) -> tuple[Floats, Floats]:
        """(..., D) vectors and (..., F) qualities of stored vectors (..., D + F)."""
        size = self.facts.items.vectors.shape[1]
        return stored[..., :size], stored[..., size:]

    def _placed(self, new: NewItems) -> Floats:
        count = len(new.texts)
        quality = np.tile(self.unseen, (count, 1))
        if "freshness" in NAMES:
            quality[:, NAMES.index("freshness")] = new.years
        shares = self.quantiles.apply(quality)
        text = np.concatenate([np.zeros((1, new.text.shape[1]), np.float32), new.text])
        content = ItemContent.of_text(text)
        inputs = ItemInputs(
            text=text,
            others={},
            graph=np.zeros((count + 1, self.query_graph.shape[1]), np.float32),
            tokens=self.rarity.apply(count_tokens(["", *new.texts])),
            attributes=self.names.table([(), *new.facts]),
            scalars=np.concatenate([np.zeros((1, shares.shape[1]), np.float32), shares]),
            codes=self.codes.codes(content),
            code_sizes=self.codes.code_sizes,
            counts=np.zeros(count + 1, np.int64),
        )
        vectors = self.item_tower.encode(inputs, np.zeros(count, np.int64))
        return with_quality(vectors, shares)

    def _asked(
        self,
        request: LiveRequest,
        filled: tuple[int, str, Floats],
        row: int,
        given: Floats,
        title_of: int,
    ) -> Asked:
        source, text, vector = filled
        # A title names the facts of its item; other words name what stands in them.
        facts = self.attributes[[title_of]] if title_of else self.names.recognise([text])
        searches = np.zeros((1, len(vector)), np.float32)
        if request.search_vectors is not None and self.asked:
            searches[0] = request.search_vectors[-self.asked :].sum(axis=0) / self.asked
        return Asked(
            tasks=np.array([request.task], np.int64),
            text=vector[None],
            tokens=self.rarity.apply(count_tokens([text])),
            attributes=facts,
            graph=self.query_graph[[row]],
            sources=np.array([source], np.int64),
            history=padded(request.history, self.history),
            asked=searches,
            given=given,
        )


def normal(text: str) -> str:
    """Words as they are compared with words that were asked before."""
    return " ".join(plain_words(text))


def saved(model: ServedUnified) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Config and tensors of an artifact; `read` is the way back."""
    ordered = sorted(model.queries, key=model.queries.__getitem__)
    config: dict[str, Any] = {
        "layout": LAYOUT,
        "knn": asdict(model.facts.knn.config),
        "codes": asdict(model.codes.config),
        "names": list(model.names.names),
        "queries": ordered,
        "weights": [float(weight) for weight in model.weights],
        "calibration": list(model.scores.calibration),
        "without": list(model.scores.without),
        "candidates": model.candidates,
        "history": model.history,
        "asked": model.asked,
        "imputes": model.imputes,
        "cutoffs": dict(model.cutoffs),
        "content_versions": dict(model.content_versions),
        "person": None if model.person is None else member_config(model.person.member),
    }
    side = model.facts.items
    groups: dict[str, Arrays] = {
        "tower": {
            **model.item_tower.weights,
            **model.tower.weights,
            "sources": model.tower.sources,
        },
        "side": {
            "vectors": side.vectors,
            # The database keeps halves of them, too.
            "text": side.text.astype(np.float16),
            "graph": side.graph,
            "quality": side.quality,
        },
        "knn": model.facts.knn.tensors(),
        "bm25": model.facts.bm25.tensors(),
        "ranker": model.scores.tensors(),
        "chosen": _csr_arrays(model.chosen),
        "attributes": _csr_arrays(model.attributes),
        "codes": model.codes.to_arrays(),
        "person": {} if model.person is None else member_arrays(model.person.member),
        "own": {
            "query_graph": model.query_graph,
            "counts": model.counts,
            "rarity": model.rarity.rarity,
            "knots": model.quantiles.knots,
            # Files hold finite numbers only.
            "unseen": np.nan_to_num(model.unseen, nan=0.0),
            "unseen_known": (~np.isnan(model.unseen)).astype(np.int64),
        },
    }
    tensors = {f"{group}.{n}": a for group, arrays in groups.items() for n, a in arrays.items()}
    return config, tensors


def read(config: Mapping[str, Any], tensors: Arrays, vocabulary: Vocabulary) -> ServedUnified:
    """What saved() gave.

    Raises:
        KeyError: where something is missing.
        ValueError: where parts do not fit together or are of another release.
    """
    if config.get("layout") != LAYOUT:
        raise ValueError(f"Layout {config.get('layout')} of a unified model; known is {LAYOUT}.")
    part = {
        group: _below(tensors, f"{group}.")
        for group in ("tower", "side", "knn", "bm25", "ranker", "chosen", "attributes", "codes",
                      "person", "own")
    }  # fmt: skip
    person = None
    if config["person"] is not None:
        person = PersonArrays.of_arrays(part["person"], config["person"])
    side = ItemSide(
        **{n: np.asarray(a, np.float32) for n, a in part["side"].items()},
        person=np.zeros((len(vocabulary) + 1, 0), np.float32) if person is None else person.items,
    )
    if not len(side.vectors) == len(side.person) == len(vocabulary) + 1:
        raise ValueError("The model is of another number of items than the vocabulary.")
    tower = {n: np.asarray(a, np.float32) for n, a in part["tower"].items()}
    sources = tower.pop("sources")
    own = part["own"]
    known = np.asarray(own["unseen_known"], np.bool_)
    queries = {text: row for row, text in enumerate(config["queries"], start=1)}
    size = len(vocabulary) + 1
    model = ServedUnified(
        vocabulary=vocabulary,
        tower=QueryArrays.of_weights(tower, sources),
        item_tower=ItemArrays.of(tower),
        facts=Facts(
            items=side,
            knn=ItemKnn.of_tensors(dict(part["knn"]), ItemKnnConfig(**config["knn"])),
            bm25=Bm25.of_tensors(part["bm25"]),
        ),
        scores=RankerScores.of_tensors(
            part["ranker"], calibration=config["calibration"], without=config["without"]
        ),
        queries=queries,
        query_graph=np.asarray(own["query_graph"], np.float32),
        chosen=_csr(part["chosen"], (len(queries) + 1, size)),
        attributes=_csr(part["attributes"], (size, len(config["names"]))),
        counts=np.asarray(own["counts"], np.int64),
        rarity=TokenWeights(np.asarray(own["rarity"], np.float32)),
        names=FactNames(tuple(config["names"])),
        codes=ItemFacts.from_arrays(part["codes"], _codes_config(config["codes"])),
        quantiles=Quantiles(np.asarray(own["knots"], np.float64)),
        unseen=np.where(known, own["unseen"], np.nan),
        weights=np.array(config["weights"], np.float32),
        candidates=int(config["candidates"]),
        history=int(config["history"]),
        asked=int(config["asked"]),
        imputes=tuple(config["imputes"]),
        cutoffs=dict(config["cutoffs"]),
        content_versions=dict(config["content_versions"]),
        person=person,
    )
    if len(model.query_graph) != len(queries) + 1 or len(model.weights) != side.quality.shape[1]:
        raise ValueError("The model's tables of queries or qualities are of other lengths.")
    return model


def _codes_config(given: Mapping[str, Any]) -> ItemFactsConfig:
    return ItemFactsConfig(**{**given, "semantic_ids": SemanticIdConfig(**given["semantic_ids"])})


def _csr_arrays(table: sparse.csr_matrix) -> Arrays:
    return {
        "data": np.asarray(table.data, np.float32),
        "indices": np.asarray(table.indices, np.int64),
        "indptr": np.asarray(table.indptr, np.int64),
    }


def _csr(arrays: Arrays, shape: tuple[int, int]) -> sparse.csr_matrix:
    parts = (arrays["data"], arrays["indices"], arrays["indptr"])
    return sparse.csr_matrix(parts, shape=shape)


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
