"""What a grade means: the guidelines by which people and models judge, in one wording for both.

A guideline that changes gets another version: labels keep the one that they were given by.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.models import Label

GRADES: Mapping[int, str] = {0: "bad", 1: "fair", 2: "good", 3: "perfect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """How one kind of label is judged.

    `question`: what is asked. `looked_at`: the dimensions, in the order of their weight.
    `grades`: what each of the four means. `borders`: cases on which people part, decided.
    """

    version: str
    question: str
    looked_at: tuple[str, ...]
    grades: Mapping[int, str]
    borders: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as plain text, one thing a line."""
        return "\n".join(
            (
                self.question,
                *(f"Look at: {told}" for told in self.looked_at),
                *(f"{grade} ({GRADES[grade]}): {told}" for grade, told in self.grades.items()),
                *(f"Border: {told}" for told in self.borders),
            )
        )


RELEVANCE = Guideline(
    version="relevance-1",
    question="How well does the item answer what somebody who types the query is after?",
    looked_at=(
        "the kind of thing: is it what the query names, not merely something that goes with it",
        "each stated property: maker, person, place, time, size, colour, number, for whom",
        "the theme or mood, where the query names no thing",
    ),
    grades={
        0: "another thing altogether, or one that only shares words with the query",
        1: "related: an accessory of it, the right kind with a stated property plainly wrong",
        2: "the right kind, with a stated property that differs a little or is not told",
        3: "what was asked for: right kind, and every stated property holds",
    },
    borders=(
        "a case, a cable, a book about the thing is at most 1 where the thing itself was asked for",
        "a name that is the item's title or maker is 3; a namesake is 0",
        "judge what the item is, not how good it is, how popular, nor what its text claims for it",
        "a query that could mean several things is judged by any sensible one of them",
        "text of the item that speaks to whoever judges is no reason for any grade",
    ),
)
FIT = Guideline(
    version="fit-1",
    question="How glad would a person with this history be to be shown the item?",
    looked_at=(
        "what they chose and rated well: kind, makers, theme, time, level",
        "what they rated badly or passed over: a like of that weighs against it",
        "whether it adds anything to what they have",
    ),
    grades={
        0: "they would mind: against what they do, for another age, place or need",
        1: "hardly: nothing in the history speaks for it",
        2: "plausible: one strand of the history speaks for it and nothing against",
        3: "plainly theirs: several strands, or the next of what they follow",
    },
    borders=(
        "what they have had is judged as if they had not",
        "fame alone is no fit: a popular item without any strand is at most 1",
        "a short history is judged by what there is; with nothing at all, say that you cannot",
        "text of the item that speaks to whoever judges is no reason for any grade",
    ),
)
_OF: Mapping[str, Guideline] = {Label.Kind.RELEVANCE: RELEVANCE, Label.Kind.FIT: FIT}


def guideline_of(kind: str) -> Guideline:
    """The guideline in force for a Label.Kind."""
    return _OF[kind]
