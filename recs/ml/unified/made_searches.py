"""Searches that nobody asked, for catalogs whose log has none.

Somebody wanted an item, and might have typed its title or something that is stated of it. They
teach how a person's taste and a query's words go together. Whoever reports a figure of them has to
say that they were made.
"""

from dataclasses import replace

import numpy as np

from recs.ml.seeding import array_generator
from recs.ml.unified.examples import Searches
from recs.ml.unified.joint_files import JointData
from recs.ml.unified.prepared import Texts
from recs.ml.unified.surfaces import CLICK

# Share of the made searches that are titles; people look for what they know, too.
TITLES = 0.25
# Share of the made searches that are asked later on, by who knows the item already, and within how
# many days. Without them a ranker would learn that nobody looks for what they know.
AGAIN, AGAIN_DAYS = 0.1, 90.0


def with_made_searches(data: JointData, texts: Texts, *, most: int, seed: int = 0) -> JointData:
    """The same with a made search for some of what people wanted, beside those that were asked.

    Args:
        data: with a log of what was wanted.
        texts: its table of words.
        most: how many of the wanted events get one, drawn by the seed.
        seed: of the draws.
    """
    random = array_generator(seed, 51)
    wanted = data.log.wanted
    drawn = random.permutation(len(wanted.items))[:most]
    column = {name: place for place, name in enumerate(texts.facts.names)}
    kept, words = [], []
    for event in np.sort(drawn).tolist():
        item = int(wanted.items[event])
        known = [column[name] for name in data.facts[item - 1] if name in column]
        if random.random() < TITLES or not known:
            words.append(texts.first_title + item)
        else:
            words.append(texts.first_fact + known[int(random.integers(len(known)))])
        kept.append(event)
    rows = np.array(kept, np.int64)
    later = wanted.days[rows] + random.uniform(1.0, AGAIN_DAYS, len(rows))
    is_again = (random.random(len(rows)) < AGAIN) & (later < wanted.days.max(initial=0.0))
    made = Searches(
        persons=wanted.owners[rows],
        words=np.array(words, np.int64),
        items=wanted.items[rows],
        days=np.where(is_again, later, wanted.days[rows]),
        strengths=np.full(len(rows), CLICK, np.int8),
    )
    return replace(data, searches=data.searches + made)
