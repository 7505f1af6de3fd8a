"""Files of the benchmark made of a small world, and members of the family small enough to train."""

from dataclasses import replace

import numpy as np

from recs.ml.family import FAMILY
from recs.ml.fit_types import FitConfig
from recs.ml.item_knn_tuning import TuningOptions
from recs.ml.sequence_files import read_sequence_files
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import UserModelConfig
from recs.ml.user_model_fit import UserModelSettings
from tests.recs.ml.test_served_model import small_settings
from tests.recs.ml.worlds import GROUPS, ITEMS, group_of, groups_in_turn

NAMES = tuple(f"i{number}" for number in range(1, ITEMS + 1))


def walks(people=80, seed=0):
    """People by name, and the names of their seven items."""
    data = groups_in_turn(seed=seed, people=people)
    lists = zip(data.histories, data.targets, strict=True)
    return {
        f"p{number}": [NAMES[row - 1] for row in (*history, target)]
        for number, (history, target) in enumerate(lists)
    }


def write_sequences(path, people):
    path.write_text("".join(f"{name} {' '.join(items)}\n" for name, items in people.items()))
    return path


def write_items(path, names=NAMES):
    """Each item's text is its group's name; every third one has no text."""
    lines = ["item_id\ttext\tkeywords\tattribute_ids"]
    for row, name in enumerate(names, start=1):
        group = int(group_of(row))
        lines.append(
            f"{name}\t{'' if row % 3 == 0 else f'group {group}'}\t\t{group},{10 + row % 2}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def files_of(folder, people, *, items=True, names=NAMES):
    table = write_items(folder / "items.tsv", names) if items else None
    return read_sequence_files(write_sequences(folder / "sequences.txt", people), table)


def encode(texts):
    """Six numbers that say the group."""
    return np.eye(GROUPS, dtype=np.float32)[[int(text.split()[1]) for text in texts]]


_NETWORK = UserModelSettings(
    net=UserModelConfig(body=TransformerConfig(embedding_size=8, layers=1, dropout=0.1)),
    fit=FitConfig(learning_rate=5e-3, patience=0, validate_every=2, warmup_steps=2),
    steps=20,
    epochs=(2, 2),
)
_CONFIGS = {
    "sasrec": replace(_NETWORK, net=replace(FAMILY["sasrec"].config.net, body=_NETWORK.net.body)),
    # Nothing whose result depends on how fast the machine is.
    "user-model": replace(small_settings(), tuning_seconds=0.0),
    "item-knn": TuningOptions(rounds=1),
}


def small_member(name):
    """The member of the family with settings that a test has time for."""
    found = FAMILY[name]
    return replace(found, config=_CONFIGS.get(name, found.config))
