"""Vectors of what is stated of items: category, makers, countries, year, attributes of words."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db.models import F, FilteredRelation, Q, QuerySet, TextField
from django.db.models.functions import MD5, Cast, Concat

from catalog.derive import ADDRESS
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs.content import ensure_modality, literal, write_vectors
from recs.ml.fact_vectors import DIMENSIONS, Facts, fact_vector, years
from recs.models import ContentVersion

ENCODER = "stated-facts"
# Another way of hashing or weighing is another revision: vectors of two never mix.
REVISION = "1"
TEMPLATE = "category, creator, country, year, attributes of words"
BATCH_SIZE = 2_000
COLUMNS = ("categories", "creators", "countries", "year", "attributes")
# Longer values are sentences, which the text encoder reads.
MOST_CHARACTERS = 80
MOST_VALUES = 50
# A transaction that began before a vector was made may end after it, but not this long after: of
# rows that were last written longer before their vector, nobody has to look whether it fits.
SETTLED = timedelta(minutes=10)


def encode_pending(*, progress: Progress = NO_PROGRESS) -> int:
    """Vectors of items that have none of what is stated now; how many. Safe to run twice at once.

    An item of which nothing is stated gets zeros, so that it is not asked about again.
    """
    version = _version()
    done = last = 0
    while rows := list(_pending(version, after=last).values("pk", "stated", *COLUMNS)[:BATCH_SIZE]):
        last = rows[-1]["pk"]
        vectors = {row["pk"]: (row["stated"], literal(fact_vector(facts_of(row)))) for row in rows}
        done += write_vectors(version, vectors)
        progress.advance(len(rows), message="reading facts")
    return done


def facts_of(item: Mapping[str, object]) -> Facts:
    """What is stated of an item, each with how much it holds; see `fact_vector`.

    `categories` holds those above them too: "Office/Paper" is partly what "Office/Pens" is.

    Args:
        item: values of COLUMNS.
    """
    facts: dict[str, dict[str, float]] = {
        "category": dict.fromkeys(_words(item["categories"]), 1.0),
        "creator": dict.fromkeys(_words(item["creators"]), 1.0),
        "country": dict.fromkeys(_words(item["countries"]), 1.0),
        "year": years(item["year"]) if isinstance(item["year"], int) else {},
    }
    attributes = item["attributes"]
    if isinstance(attributes, dict):
        for name, values in attributes.items():
            facts[f"attribute {name}"] = dict.fromkeys(_words(values), 1.0)
    return {kind: values for kind, values in facts.items() if values}


def _words(values: object) -> Iterator[str]:
    """The texts among the values that are no sentences and no addresses, as they compare."""
    given = values if isinstance(values, list | tuple) else [values]
    for value in given[:MOST_VALUES]:
        word = " ".join(value.casefold().split()) if isinstance(value, str) else ""
        if 0 < len(word) <= MOST_CHARACTERS and not ADDRESS.search(word):
            yield word


def _version() -> ContentVersion:
    return ensure_modality(
        modality=ContentVersion.FACTS,
        encoder=ENCODER,
        revision=REVISION,
        template=TEMPLATE,
        dimensions=DIMENSIONS,
    )


def _pending(version: ContentVersion, *, after: int) -> QuerySet[Item]:
    """Items after a key that have no vector of what is stated now; `stated` is its hash."""
    stated = MD5(Concat(*(Cast(column, TextField()) for column in COLUMNS)))
    is_recent = Q(embedding__created_at__lt=F("updated_at") + SETTLED)
    pending: QuerySet[Item] = (
        Item.objects.filter(pk__gt=after)
        .alias(
            embedding=FilteredRelation(
                "content_embeddings", condition=Q(content_embeddings__version=version.pk)
            )
        )
        .annotate(stated=stated)
        .filter(Q(embedding__isnull=True) | is_recent & ~Q(embedding__input_hash=F("stated")))
        .order_by("pk")
    )
    return pending
