import pytest

from catalog.errors import InvalidInput
from catalog.labels import set_label
from catalog.models import Label, Person
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db


def label(item, **fields):
    given = {"kind": "relevance", "query": "noir", "grade": 2, "source": "human", "labeller": "me"}
    return set_label(item_id=item.pk, **given | fields)


def test_a_second_grade_by_the_same_labeller_replaces_the_first():
    item = add_item()
    first = label(item, grade=0, note="why")
    second = label(item, grade=3)
    assert first.pk == second.pk
    assert (Label.objects.get().grade, Label.objects.get().note) == (3, "")


def test_other_labellers_sources_and_queries_stand_beside_it():
    item = add_item()
    person = Person.objects.create(external_id="u1")
    label(item)
    label(item, labeller="you")
    label(item, source="llm")
    label(item, query="drama")
    label(item, kind="fit", query="", person=person)
    label(item, kind="fit", query="", person=person, grade=0)
    assert Label.objects.count() == 5


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "other"}, "kind"),
        ({"source": "other"}, "source"),
        ({"grade": 4}, "grade"),
        ({"grade": -1}, "grade"),
        ({"query": ""}, "query"),
        ({"kind": "fit"}, "user_id"),
        ({"kind": "fit", "query": ""}, "user_id"),
    ],
)
def test_a_label_that_makes_no_sense_names_its_field(fields, field):
    item = add_item()
    with pytest.raises(InvalidInput) as caught:
        label(item, **fields)
    assert caught.value.field == field
    assert not Label.objects.exists()


def test_a_label_of_no_item_is_refused():
    item = add_item()
    item.delete()
    item.pk = 10**9
    with pytest.raises(InvalidInput) as caught:
        label(item)
    assert caught.value.field == "item_id"
