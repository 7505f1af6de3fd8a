"""Takes items out of what is learned from, to see how they are recommended without history.

    python -m benchmarks.cold_items --inter FILE.json --items FILE.json --out DIR [--seed N]

INTER: {person: [items in order]}. ITEMS: {item: {title, description, brand, categories}}. Writes
`items.tsv`, `sequences.txt` (a tenth of the items left out of every history, targets kept) and
`cold.txt` (those items), of the format that `manage.py benchmark sequences` and the judge read.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHARE = 10
# Names of the items are drawn anew, so that nothing can be read from their order.
NAMES_SEED = 5
TITLE_CHARACTERS, DESCRIPTION_CHARACTERS = 300, 200


def item_lines(items: dict[str, dict[str, Any]], names: dict[str, str]) -> list[str]:
    """The table of the items, the header first."""
    parts = {item: attributes(row) for item, row in items.items()}
    numbers = {name: n for n, name in enumerate(sorted({p for of in parts.values() for p in of}))}
    lines = ["item_id\ttext\tkeywords\tattribute_ids"]
    for item in sorted(items, key=lambda item: int(names[item])):
        row = items[item]
        title = clean(row.get("title"))[:TITLE_CHARACTERS]
        described = clean(row.get("description"))[:DESCRIPTION_CHARACTERS]
        own = ",".join(str(numbers[part]) for part in parts[item])
        lines.append(f"{names[item]}\t{title}\t{described}\t{own}")
    return lines


def attributes(row: dict[str, Any]) -> list[str]:
    """Its categories and its brand."""
    found = [part for part in (row.get("categories") or "").split(",") if part]
    return list(dict.fromkeys([*found, f"brand:{row.get('brand') or ''}"]))


def without(history: Sequence[str], cold: set[str]) -> list[str]:
    """The history less the cold items, its last one kept whatever it is."""
    return [*(item for item in history[:-1] if item not in cold), *history[-1:]]


def clean(text: object) -> str:
    """On one line, without tabs."""
    return " ".join(str(text or "").split())


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inter", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    histories = json.loads(args.inter.read_text())
    items = json.loads(args.items.read_text())
    drawn = sorted(items, key=int)
    random.Random(NAMES_SEED).shuffle(drawn)
    names = {item: str(number) for number, item in enumerate(drawn, start=1)}
    everything = sorted(names.values(), key=int)
    cold = set(random.Random(args.seed).sample(everything, len(everything) // SHARE))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "items.tsv").write_text("\n".join(item_lines(items, names)) + "\n")
    (args.out / "cold.txt").write_text("\n".join(sorted(cold, key=int)) + "\n")
    kept = {
        person: without([names[str(item)] for item in history], cold)
        for person, history in histories.items()
    }
    lines = [f"{person} {' '.join(of)}" for person, of in kept.items() if len(of) >= 3]
    (args.out / "sequences.txt").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} people, {len(everything)} items, {len(cold)} of them cold: {args.out}")


if __name__ == "__main__":
    main()
