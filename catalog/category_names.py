"""What categories are called: the last part of their path, or a name that somebody gave or took.

The names come with the profile, which every request reads anyway; what filters and stores is always
the path.
"""

from django.db import connection, transaction

from catalog.errors import Conflict, InvalidInput
from catalog.models import CategoryName, Item
from catalog.models.categories import LINE_CHARACTERS, NAME_CHARACTERS
from catalog.profiles import current_profile, forget_profile

PATHS = """
    SELECT path, count(*) FROM (
        SELECT unnest(categories) AS path FROM catalog_item WHERE NOT is_hidden
    ) AS had GROUP BY path ORDER BY count(*) DESC, path
"""
Source = CategoryName.Source


def category_label(path: str) -> str:
    """The category by itself: "Hoodies" for Men/Tops/Hoodies, or as it is named."""
    given = _given(path)
    return given[0] if given else path.rpartition("/")[2]


def category_trail(path: str) -> list[tuple[str, str]]:
    """Label and path of each level, from the first down to the category itself."""
    levels = path.split("/")
    paths = ["/".join(levels[:depth]) for depth in range(1, len(levels) + 1)]
    return [(category_label(one), one) for one in paths]


def category_words(path: str) -> str:
    """All of its levels, as they are called: "Men/Tops"."""
    return "/".join(label for label, _ in category_trail(path))


def category_line(path: str) -> str:
    """The line about a category; "" where there is none."""
    given = _given(path)
    return given[1] if given else ""


def category_sizes() -> dict[str, int]:
    """Items that are not hidden by category, ancestors counted too; largest first."""
    with connection.cursor() as cursor:
        cursor.execute(PATHS)
        return dict(cursor.fetchall())


def checked_name(*, path: str, name: str, line: str = "") -> tuple[str, str]:
    """Name and line as they would be stored for a category.

    Raises:
        InvalidInput: no item has the category, or the words are too long or none.
        Conflict: another category is called so.
    """
    name, line = " ".join(name.split()), " ".join(line.split())
    if not name or len(name) > NAME_CHARACTERS:
        raise InvalidInput(f"A name has 1 to {NAME_CHARACTERS} characters.", field="name")
    if len(line) > LINE_CHARACTERS:
        raise InvalidInput(f"A line has at most {LINE_CHARACTERS} characters.", field="line")
    if not Item.objects.filter(categories__contains=[path]).exists():
        raise InvalidInput(f"No item is in '{path[:100]}'.", field="path")
    if taken := taken_by(name, but=path):
        raise Conflict(f"'{taken}' is called so.", field="name")
    return name, line


def name_category(*, path: str, name: str, line: str = "", source: str) -> CategoryName:
    """Call a category so; the name before is gone.

    Args:
        path: as items have it.
        name: what it is called.
        line: about it, "" for none.
        source: CategoryName.Source.

    Raises:
        InvalidInput, Conflict: see checked_name().
    """
    with transaction.atomic():
        told = checked_name(path=path, name=name, line=line)
        row, _ = CategoryName.objects.update_or_create(
            path=path, defaults={"name": told[0], "line": told[1], "source": source}
        )
    _forget()
    return row


def take_name_back(*, path: str, name: str, source: str) -> int:
    """Call a category by its path again, if it is called so by that source; how many changed."""
    found = CategoryName.objects.filter(path=path, name=name, source=source)
    changed, _ = found.delete()
    _forget()
    return changed


def taken_by(name: str, *, but: str) -> str:
    """Another category that is shown under this name, "" for none."""
    wanted = name.casefold()
    named = dict(CategoryName.objects.values_list("path", "name"))
    for path in category_sizes():
        if path != but and named.get(path, path.rpartition("/")[2]).casefold() == wanted:
            return path
    gone = (path for path, told in named.items() if path != but and told.casefold() == wanted)
    return next(gone, "")


def _given(path: str) -> tuple[str, str] | None:
    """Name and line of a category that has any."""
    named: dict[str, tuple[str, str]] = getattr(current_profile(), "named_categories", {})
    return named.get(path)


def _forget() -> None:
    """At once for this process, and again when nobody can read the old names any more."""
    forget_profile()
    transaction.on_commit(forget_profile)
