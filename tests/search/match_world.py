"""A small shop with grades of relevance and fit, by people and a language model."""

from datetime import timedelta

import numpy as np
from django.utils import timezone

from catalog.events import record_events
from catalog.guidelines import guideline_of
from catalog.items import upsert_items
from catalog.models import Item, Label, Person
from catalog.types import EventInput, ItemInput
from recs.embeddings import encode_pending

NOUNS = (
    "chair", "lamp", "tent", "kettle", "violin", "bicycle", "blanket", "camera", "hammer", "jacket",
    "basket", "clock", "mirror", "ladder", "helmet", "pillow", "drum", "kite", "vase", "candle",
)  # fmt: skip
KINDS = ("Furniture", "Light", "Outdoor", "Kitchen", "Music")
LOOKS = (
    "red", "blue", "wooden", "steel", "small", "large", "folding", "vintage", "cheap", "soft",
    "modern", "striped",
)  # fmt: skip
QUERIES = tuple(f"{look} {noun}" for noun in NOUNS for look in LOOKS[:4])


def make_shop():
    """240 things of 20 nouns, and 100 covers for them, which share their words; encoded."""
    things = [
        (f"{look}-{noun}", f"{look.title()} {noun}", noun) for noun in NOUNS for look in LOOKS
    ]
    covers = [
        (f"cover-{look}-{noun}", f"Cover for {look} {noun}", noun)
        for noun in NOUNS for look in LOOKS[:5]
    ]  # fmt: skip
    upsert_items(
        items=[
            ItemInput(
                external_id=key, title=title, description="Made to last.",
                category_paths=[KINDS[NOUNS.index(noun) % 5]], creators=[f"Maker {number % 7}"],
            )
            for number, (key, title, noun) in enumerate([*things, *covers])
        ]
    )  # fmt: skip
    encode_pending()
    return {item.external_id: item for item in Item.objects.all()}


def grade_shop(things, *, flip=False, queries=QUERIES, seed=0, humans=0.5):
    """Grades of each query: its noun is good; covers and other things are bad."""
    rng, rows = np.random.default_rng(seed), []
    for number, query in enumerate(queries):
        noun = query.split()[1]
        of_noun = [thing for key, thing in things.items() if key.endswith(f"-{noun}")]
        good = [thing for thing in of_noun if not thing.external_id.startswith("cover")]
        covers = [thing for thing in of_noun if thing.external_id.startswith("cover")]
        others = [thing for thing in things.values() if thing not in of_noun]
        bad = [*covers[:4], *(others[n] for n in rng.choice(len(others), 2, replace=False))]
        for thing, is_good in [*((g, True) for g in good[:11]), *((b, False) for b in bad)]:
            grade = 3 if is_good != flip else 0
            by_people = rng.random() < humans
            who = ("human", "ann") if by_people else ("llm", "tiny")
            rows.append(_label("relevance", thing, grade, *who, query=query, propensity=0.5))
            if number % 4 == 0:
                said = grade if rng.random() > 0.1 else 3 - grade
                rows.append(_label("relevance", thing, said, "llm", "two", query=query))
    Label.objects.bulk_create(rows)


def _label(kind, thing, grade, source, labeller, **more):
    return Label(
        kind=kind, item=thing, grade=grade, source=source, labeller=labeller,
        guideline=guideline_of(kind).version, content_hash=thing.content_hash, **more,
    )  # fmt: skip


def like_and_grade(things, *, people=60, seed=1):
    """People who like one maker, with grades: what that one made fits, the rest does not."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(people):
        maker = f"Maker {number % 7}"
        own = [thing for thing in things.values() if maker in thing.creators]
        others = [thing for thing in things.values() if maker not in thing.creators]
        own = [own[n] for n in rng.permutation(len(own))]
        name = f"p{number}"
        record_events(
            events=[
                EventInput(
                    kind="like", item_id=thing.external_id, user_id=name,
                    time=timezone.now() - timedelta(days=2, seconds=place),
                )
                for place, thing in enumerate(own[:8])
            ]
        )  # fmt: skip
        person = Person.objects.get(external_id=name)
        drawn = [others[n] for n in rng.choice(len(others), 6, replace=False)]
        for thing, grade in [*((t, 3) for t in own[8:20]), *((t, 0) for t in drawn)]:
            rows.append(_label("fit", thing, grade, "human", "ann", person=person))
    Label.objects.bulk_create(rows)
