"""Other people's eyes: in the demo, the site as one of the real, numbered people sees it."""

from collections import defaultdict
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Event, Item, Person
from search.views.cards import cover_url, items_of
from search.views.pages import page
from search.views.params import read_page
from search.views.viewer import ACT_AS

PER_PAGE = 24
COVERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A numbered person: how many items they chose, and the covers of what they loved."""

    person: Person
    label: str
    items: int
    covers: tuple[str, ...]
    loved: str


@require_safe
@page
def people(request: HttpRequest) -> HttpResponse:
    """The numbered people, a page at a time."""
    everything = Paginator(Person.objects.filter(is_demo=True).order_by("pk"), PER_PAGE)
    shown = everything.get_page(read_page(request.GET.get("page", "")))
    context = {"portraits": _portraits(list(shown.object_list)), "page": shown}
    return render(request, "pages/people.html", context)


@require_POST
@page
def act_as(request: HttpRequest, pk: int) -> HttpResponse:
    """Look through a numbered person's eyes; accounts of real people cannot be borrowed."""
    person = get_object_or_404(Person, pk=pk, is_demo=True)
    request.session[ACT_AS] = {
        "person_id": person.pk,
        "user_id": person.external_id,
        "label": label_of(person),
    }
    return redirect("pages:home")


@require_POST
@page
def stop_acting(request: HttpRequest) -> HttpResponse:
    """Look through one's own eyes again."""
    request.session.pop(ACT_AS, None)
    return redirect("pages:home")


def label_of(person: Person) -> str:
    """Words for a person: "Person 42", whatever the id looks like in the data."""
    number = "".join(char for char in person.external_id if char.isdigit())
    return f"Person {number or person.pk}"


def _portraits(people: list[Person]) -> list[Portrait]:
    ids = [person.pk for person in people]
    events = Event.objects.filter(person_id__in=ids)
    by_person = events.order_by().values_list("person_id")
    counts = dict(by_person.annotate(n=Count("item", distinct=True)))
    loved = _loved(ids)
    items = items_of({item for listed in loved.values() for item in listed})
    return [
        Portrait(
            person=person,
            label=label_of(person),
            items=counts.get(person.pk, 0),
            covers=tuple(cover_url(items[one]) for one in loved[person.pk] if one in items),
            loved=_titles([items[one] for one in loved[person.pk] if one in items]),
        )
        for person in people
    ]


def _loved(person_ids: list[int]) -> dict[int, list[int]]:
    """What each of them rated highest or wanted last, in one query."""
    place = Window(
        RowNumber(),
        partition_by=F("person_id"),
        order_by=[F("value").desc(nulls_last=True), "-time"],
    )
    wanted = Event.objects.filter(person_id__in=person_ids).positive().alias(place=place)
    loved: dict[int, list[int]] = defaultdict(list)
    rows = wanted.filter(place__lte=COVERS).values_list("person_id", "item_id")
    for person_id, item_id in rows:
        loved[person_id].append(item_id)
    return loved


def _titles(items: list[Item]) -> str:
    return ", ".join(item.title for item in items[:2])
