"""The unified model as it answers requests: NumPy only, no torch.

Letters: N items, D embedding size, F qualities, T text vector, G graph vector, C candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.item_facts import ItemFacts
from recs.ml.unified.features import Candidates, Facts, Question, read_features
from recs.ml.unified.inputs import FactNames, ItemInputs
from recs.ml.unified.item_arrays import ItemArrays
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
