"""Semantic IDs of the catalog: fitted as a version, given to every item, and named."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import registry
from recs.code_assignment import KIND, assign, content_versions_of, update_covers
from recs.code_names import Facts, derive_names
from recs.content import content_vectors, live_versions
from recs.errors import NoLiveVersion
from recs.ml.artifacts import Artifact
from recs.ml.code_report import CodeReport, report
from recs.ml.kmeans import MAX_FITTED_POINTS
from recs.ml.semantic_ids import SemanticIdConfig, SemanticIds, fit_semantic_ids
from recs.ml.vocabulary import Vocabulary
from recs.models import (
    CodeName,
    ContentVersion,
    ItemCode,
    ItemPopularity,
    ModelVersion,
    NeighbourVersion,
)
from recs.querysets import visible_item

Floats = npt.NDArray[np.float32]
Source = CodeName.Source

# Deeper kinds are of a few items each: they are called after the kind that they are part of.
NAMED_LEVELS = 2
LEAST_NAMED = 2
NAME_CHARACTERS = CodeName._meta.get_field("name").max_length or 200
# Codes that say little more of an item than chance are refused; few items show nothing.
LEAST_JUDGED = 50
LEAST_OVER_CHANCE = 1.5


def build_codes(
    *,
    config: SemanticIdConfig | None = None,
    seed: int = 0,
    as_of: datetime | None = None,
    progress: Progress = NO_PROGRESS,
) -> ModelVersion:
    """Fit semantic IDs on the content so far, give all items theirs, name the kinds, go live.

    Args:
        config: levels and sizes; by default they follow the number of items.
        seed: equal ones give equal codes.
        as_of: only items that were there before it decide on the codes; all get some.
        progress: told of each step.

    Returns:
        The version: live, or refused where its codes say nothing of the items.

    Raises:
        NoLiveVersion: before anything was encoded.
    """
    config = config or SemanticIdConfig()
    as_of = as_of or timezone.now()
    contents = live_versions()
    items = _available_items(as_of, seed)
    vectors = content_vectors(items, versions=contents)
    if ContentVersion.TEXT not in contents or not any(t.any() for t in vectors.values()):
        raise NoLiveVersion("No content to make codes of: run `manage.py encode_items`.")
    progress.advance(0, message="fitting codes")
    made = fit_semantic_ids(vectors, config=config, seed=seed)
    told = _report(made, vectors, seed)
    version = _keep(made, told, config=config, seed=seed, as_of=as_of, items=items)
    if reasons := why_not(told):
        return registry.refuse(version=version, reasons=reasons)
    assign(version, progress=progress)
    progress.advance(0, message="naming kinds")
    name_kinds(version)
    registry.promote(version=version)
    update_covers()
    return version


def is_outdated(version: ModelVersion) -> bool:
    """Whether the content that the version reads is not in use any more, so new items get none."""
    read = {modality: one.pk for modality, one in content_versions_of(version).items()}
    live = {modality: one.pk for modality, one in live_versions().items()}
    return any(live.get(modality) != key for modality, key in read.items()) or not read


def why_not(told: CodeReport) -> list[str]:
    """What keeps codes like these from going live; nothing where they are good."""
    first = told.levels[0]
    if told.items - told.without_content < LEAST_JUDGED or first.used == 1:
        return []
    if first.neighbours_sharing >= LEAST_OVER_CHANCE * first.anybody_sharing:
        return []
    return [
        f"Only {first.neighbours_sharing:.1%} of an item's nearest ten share its first code, and "
        f"{first.anybody_sharing:.1%} of all items do: the codes say nothing of the content."
    ]


def name_kinds(version: ModelVersion) -> int:
    """Name the version's kinds by what sets their members apart; how many have a derived name.

    Names that a person gave, or an LLM, stay, and so do all descriptions.
    """
    members = _members(version)
    counts = Counter(".".join(path.split(".")[:n]) for path, _ in members for n in (1, 2))
    names = derive_names(members, levels=NAMED_LEVELS)
    told = {p: name for p, name in names.items() if "." not in p or counts[p] >= LEAST_NAMED}
    with transaction.atomic():
        of_version = CodeName.objects.filter(version=version)
        described = dict(of_version.values_list("path", "description"))
        of_version.filter(source=Source.DERIVED).delete()
        kept = set(of_version.values_list("path", flat=True))
        rows = [
            CodeName(
                version=version,
                path=path,
                name=name[:NAME_CHARACTERS],
                description=described.get(path, ""),
            )
            for path, name in told.items()
            if path not in kept
        ]
        CodeName.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def rename_kind(*, version: ModelVersion, path: str, name: str) -> CodeName:
    """Give a kind the name that a person chose; it wins over any other.

    Raises:
        InvalidInput: for an empty or too long name, or a kind that no item is of.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_CHARACTERS:
        raise InvalidInput(f"A name has 1 to {NAME_CHARACTERS} characters.", field="name")
    of_kind = Q(path=path) | Q(path__startswith=f"{path}.")
    if not ItemCode.objects.filter(of_kind, version=version).exists():
        raise InvalidInput(f"There is no kind '{path[:100]}'.", field="path")
    named, _ = CodeName.objects.update_or_create(
        version=version, path=path, defaults={"name": name, "source": Source.PERSON}
    )
    return named


def describe_kinds(*, version_id: int, descriptions: Mapping[str, str]) -> int:
    """Say what kinds that have a name are (by path, "" for nothing more); how many changed."""
    changed = 0
    with transaction.atomic():
        for path, description in sorted(descriptions.items()):
            named = CodeName.objects.filter(version_id=version_id, path=path)
            changed += named.exclude(description=description).update(description=description)
    return changed


def _available_items(as_of: datetime, seed: int) -> list[int]:
    """Items that were there at a moment, by their own dates or those of the row; some of many.

    Where the catalog was loaded later than what it is of (films of the past), the year decides.
    """
    then = (
        Q(available_from__lt=as_of)
        | Q(available_from__isnull=True, created_at__lt=as_of)
        | Q(available_from__isnull=True, released_on__lt=as_of)
        | Q(available_from__isnull=True, released_on__isnull=True, year__lt=as_of.year)
    )
    items = list(Item.objects.filter(then).order_by("pk").values_list("pk", flat=True))
    if len(items) <= MAX_FITTED_POINTS:
        return items
    drawn = np.random.default_rng([seed, 5]).choice(len(items), MAX_FITTED_POINTS, replace=False)
    return [items[row] for row in np.sort(drawn)]


def _report(made: SemanticIds, vectors: Mapping[str, Floats], seed: int) -> CodeReport:
    codebooks = made.residual
    codes = codebooks.assign(vectors)
    steps = [codebooks.reconstruct(codes[:, : n + 1]) for n in range(codes.shape[1])]
    points = codebooks.space.embed(vectors)
    return report(points, codes, codebooks.sizes, reconstructed=tuple(steps), seed=seed)


def _keep(
    made: SemanticIds,
    told: CodeReport,
    *,
    config: SemanticIdConfig,
    seed: int,
    as_of: datetime,
    items: list[int],
) -> ModelVersion:
    """The version's row and folder: a candidate."""
    contents = live_versions()
    read = {name: contents[name].pk for name in made.residual.space.modalities}
    settings = {
        **asdict(config),
        "sizes": list(made.residual.sizes),
        "flat_size": made.flat.sizes[0],
        "content_versions": read,
    }
    version = registry.create_version(kind=KIND, as_of=as_of, config=settings, seed=seed)
    artifact = Artifact(
        config=settings,
        tensors=made.to_arrays(),
        vocabulary=Vocabulary.of(str(item_id) for item_id in items),
        metrics=told.as_dict(),
        card=_card(told, settings),
        provenance={"as_of": as_of.isoformat(), "seed": seed},
    )
    sizes = registry.Sizes(items=len(items), dimensions=made.residual.space.dimensions)
    return registry.add_artifact(version=version, artifact=artifact, sizes=sizes)


def _card(told: CodeReport, settings: Mapping[str, object]) -> str:
    lines = [
        "# Semantic IDs",
        "",
        f"Residual K-means with codebooks of {settings['sizes']} codes, and a flat ID of "
        f"{settings['flat_size']}, fitted on {told.items} items.",
        "",
        "Codes say what an item is like, by its content alone: no event enters them. New items get "
        "theirs by the nearest centroids, and no item's codes change because of another.",
        "",
        f"- items whose codes another item has too: {told.collision_rate:.1%}",
    ]
    for number, level in enumerate(told.levels, start=1):
        lines.append(
            f"- level {number}: {level.used} of {level.codes} codes in use; "
            f"{level.neighbours_sharing:.1%} of nearest neighbours share the prefix, "
            f"{level.anybody_sharing:.2%} of any other items"
        )
    return "\n".join([*lines, ""])


def _members(version: ModelVersion) -> list[tuple[str, Facts]]:
    """Path and facts of every visible item, in the order of their keys."""
    live = NeighbourVersion.objects.live_id()
    people = dict(ItemPopularity.objects.filter(version_id=live).values_list("item_id", "people"))
    rows = ItemCode.objects.filter(visible_item("item__"), version=version).order_by("item_id")
    columns = ("title", "description", "category_paths", "countries", "creators", "year")
    found = rows.values_list("item_id", "path", *(f"item__{column}" for column in columns))
    return [
        (path, Facts(**dict(zip(columns, facts, strict=True)), people=people.get(item_id, 0)))
        for item_id, path, *facts in found
    ]
