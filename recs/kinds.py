"""Reading kinds: items that share the first codes of their semantic IDs, and what these are called.

A kind is a prefix of codes: the path "012" holds "012.200", which holds "012.200.007".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, F, FilteredRelation, Q
from django.db.models.functions import Substr

from catalog.models import Item
from catalog.querysets import ItemQuerySet
from recs import registry
from recs.models import CodeName, ItemCode, ModelVersion, NeighbourVersion
from recs.querysets import score_of_cosine_distance, visible_item

SEMANTIC_IDS = ModelVersion.Kind.SEMANTIC_IDS
DIGITS = 3
MAX_DEPTH = 8
CACHE_SECONDS = 60
# A kind of one item is no kind.
LEAST_ITEMS = 2
# For each kind by itself: an index scan each, where one window over all would sort them all. The
# operators are those of the index; '/' is the next letter after the '.' between codes.
_MOST_WANTED = """
    SELECT prefix, array_agg(best.id ORDER BY best.people DESC, best.id)
    FROM unnest(%(prefixes)s::text[]) AS prefix
    CROSS JOIN LATERAL (
        SELECT item.id, coalesce(wanted.people, 0) AS people
        FROM recs_itemcode AS code
        JOIN catalog_item AS item ON item.id = code.item_id
        LEFT JOIN recs_itempopularity AS wanted ON wanted.item_id = item.id
            AND wanted.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
        WHERE code.version_id = %(version)s
          AND code.path ~>=~ prefix AND code.path ~<~ (prefix || '/')
          AND NOT item.is_hidden
          AND (item.available_from IS NULL OR item.available_from <= now())
          AND (item.available_until IS NULL OR item.available_until > now())
        ORDER BY people DESC, item.id
        LIMIT %(most)s
    ) AS best
    GROUP BY prefix
"""
# Everything that shares at least the first code: those that share most first, then the nearest.
_ALIKE = """
    SELECT code.item_id, shared.depth, vector.vector <=> own.vector AS distance
    FROM recs_itemcode AS mine
    JOIN recs_itemcode AS code ON code.version_id = mine.version_id AND code.id <> mine.id
        AND code.path ~>=~ split_part(mine.path, '.', 1)
        AND code.path ~<~ (split_part(mine.path, '.', 1) || '/')
    JOIN catalog_item AS item ON item.id = code.item_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS depth FROM generate_series(1, cardinality(mine.codes)) AS n
        WHERE code.codes[:n] = mine.codes[:n]
    ) AS shared
    LEFT JOIN recs_contentversion AS text ON text.is_live AND text.modality = 'text'
    LEFT JOIN recs_contentembedding AS own
        ON own.version_id = text.id AND own.item_id = mine.item_id
    LEFT JOIN recs_contentembedding AS vector
        ON vector.version_id = text.id AND vector.item_id = code.item_id
    WHERE mine.version_id = %(version)s AND mine.item_id = %(item)s AND NOT item.is_hidden
      AND (item.available_from IS NULL OR item.available_from <= now())
      AND (item.available_until IS NULL OR item.available_until > now())
    ORDER BY shared.depth DESC, distance NULLS LAST, code.item_id
    LIMIT %(k)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Items whose codes begin the same way; `count` of those that are visible.

    `description`: a sentence about them, "" for none.
    """

    path: str
    name: str
    count: int
    description: str = ""

    @property
    def address(self) -> str:
        """As it stands in addresses: 12.200 for 012.200."""
        return address_of(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKind:
    """An item's semantic IDs, and the kinds that it is of, coarse to fine, by path and name.

    `descriptions`: of these kinds, "" for none.
    """

    flat: int
    codes: tuple[int, ...]
    collision: int
    path: str
    kinds: tuple[tuple[str, str], ...]
    descriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """An item of the same kind: how many first codes it shares, and how near it is in meaning."""

    item_id: int
    shared: int
    score: float


def live_codes() -> ModelVersion | None:
    """The version whose kinds are shown; None before there is any."""
    return registry.live(SEMANTIC_IDS)


def first_kinds(version: ModelVersion) -> list[Kind]:
    """The kinds of the first level, largest first; counted at most once a minute."""
    key = f"described_kinds:{version.pk}"
    rows: list[tuple[str, str, int, str]] | None = cache.get(key)
    if rows is None:
        found = _kinds(version, "", least=1)
        rows = [(one.path, one.name, one.count, one.description) for one in found]
        cache.set(key, rows, CACHE_SECONDS)
    return [
        Kind(path=path, name=name, count=count, description=description)
        for path, name, count, description in rows
    ]


def kinds_below(version: ModelVersion, path: str) -> list[Kind]:
    """The kinds that a kind consists of, largest first; those of a single item are left out."""
    return _kinds(version, path, least=LEAST_ITEMS)


def trail_of(version: ModelVersion, path: str) -> tuple[tuple[str, str], ...]:
    """Path and name of each kind from the first level down to this one."""
    return tuple((prefix, name) for prefix, name, _ in described_trail(version, path))


def described_trail(version: ModelVersion, path: str) -> tuple[tuple[str, str, str], ...]:
    """The same, each with its description."""
    codes = path.split(".")
    prefixes = [".".join(codes[: n + 1]) for n in range(len(codes))]
    words = _words(version, prefixes)
    return tuple((prefix, *words[prefix]) for prefix in prefixes)


def items_of_kind(version: ModelVersion, path: str) -> ItemQuerySet:
    """The visible items of a kind, those that most people wanted first."""
    wanted = Q(popularity__version_id=NeighbourVersion.objects.live_id())
    found: ItemQuerySet = (
        Item.objects.visible()
        .filter(codes__version=version.pk, codes__path__startswith=path)
        .annotate(wanted=FilteredRelation("popularity", condition=wanted))
        .order_by(F("wanted__people").desc(nulls_last=True), "pk")
    )
    return found


def most_wanted(
    version: ModelVersion, paths: Collection[str], *, most: int
) -> dict[str, list[int]]:
    """For each kind the items that most people wanted, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_MOST_WANTED, {"prefixes": list(paths), "version": version.pk, "most": most})
        return dict(cursor.fetchall())


def kind_of_item(version: ModelVersion, item_id: int) -> ItemKind | None:
    """The item's codes and kinds; None where it has no codes yet."""
    row = ItemCode.objects.filter(version=version, item_id=item_id).first()
    if row is None:
        return None
    trail = described_trail(version, row.path)
    return ItemKind(
        flat=row.flat,
        codes=tuple(row.codes),
        collision=row.collision,
        path=row.path,
        kinds=tuple((path, name) for path, name, _ in trail),
        descriptions=tuple(description for _, _, description in trail),
    )


def more_of_kind(version: ModelVersion, item_id: int, *, k: int) -> list[Alike]:
    """Visible items that share the longest beginning of codes, of those the nearest first.

    Args:
        version: of the codes.
        item_id: whose kind.
        k: at most so many.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"version": version.pk, "item": item_id, "k": k})
        return [
            Alike(
                item_id=found,
                shared=depth,
                score=0.0 if distance is None else score_of_cosine_distance(distance),
            )
            for found, depth, distance in cursor.fetchall()
        ]


def address_of(path: str) -> str:
    """The path as it stands in addresses: 12.200 for 012.200."""
    return ".".join(str(int(code)) for code in path.split("."))


def path_at(address: str) -> str | None:
    """The path that an address names, None where it cannot be one."""
    codes = address.split(".")
    fits = all(code.isascii() and code.isdigit() and len(code) <= DIGITS for code in codes)
    if not fits or len(codes) > MAX_DEPTH:
        return None
    return ".".join(code.zfill(DIGITS) for code in codes)


def _kinds(version: ModelVersion, above: str, *, least: int) -> list[Kind]:
    depth = above.count(".") + 2 if above else 1
    rows: Any = ItemCode.objects.filter(visible_item("item__"), version=version)
    if above:
        rows = rows.filter(path__startswith=f"{above}.")
    length = depth * (DIGITS + 1) - 1
    counted = (
        rows.annotate(kind=Substr("path", 1, length))
        .values_list("kind")
        .annotate(n=Count("pk"))
        .filter(n__gte=least)
        .order_by("-n", "kind")
    )
    counts = dict(counted)
    words = _words(version, list(counts))
    return [
        Kind(path=path, name=words[path][0], count=n, description=words[path][1])
        for path, n in counts.items()
    ]


def _words(version: ModelVersion, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Name and description; one without a name after the item of it that most people wanted."""
    named = CodeName.objects.filter(version=version, path__in=paths)
    told = {path: words for path, *words in named.values_list("path", "name", "description")}
    found = {path: words[0] for path, words in told.items()}
    if unnamed := [path for path in paths if path not in found]:
        first = {path: ids[0] for path, ids in most_wanted(version, unnamed, most=1).items() if ids}
        titles = dict(Item.objects.filter(pk__in=first.values()).values_list("pk", "title"))
        found |= {path: f"Like {titles[key]}" for path, key in first.items() if key in titles}
    return {
        path: (
            found.get(path) or f"Kind {int(path.rpartition('.')[2])}",
            told[path][1] if path in told else "",
        )
        for path in paths
    }
