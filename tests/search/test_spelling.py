import pytest
from django.core.management import call_command

from catalog.items import set_hidden, upsert_items
from catalog.types import ItemInput
from search.models import Query, Term
from search.spelling import build_terms, correct, likely_words
from search.vocabulary import Vocabulary, vocabulary
from search.word_index import WordIndex

WORDS = {"hitchcock": 55, "hitcher": 3, "kurosawa": 30, "star": 90, "wars": 20, "stars": 60}


def meant_by(typed, items):
    words = Vocabulary(version=1, items=items, index=WordIndex.of(tuple(items)))
    return [each.text for each in likely_words(typed, words)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hitchcok", "hitchcock"),
        ("hitchcokc", "hitchcock"),
        ("kurasowa", "kurosawa"),
        ("satr", "star"),
        ("xyzzyx", None),
    ],
)
def test_the_likeliest_word_is_near_and_common(typed, meant):
    assert next(iter(meant_by(typed, WORDS)), None) == meant


def test_short_words_hold_one_error_and_long_ones_two():
    assert meant_by("stra", {"star": 1, "sofa": 1}) == ["star"]
    assert meant_by("kurasava", {"kurosawa": 1}) == ["kurosawa"]
    assert meant_by("pursuit", {"presents": 9}) == []


def test_more_edits_are_allowed_where_it_sounds_the_same():
    assert meant_by("fone", {"phone": 1, "faune": 1, "stone": 1})[0] == "phone"
    assert meant_by("fotograf", {"photograph": 1}) == ["photograph"]
    assert meant_by("nolege", {"knowledge": 1, "noble": 1})[0] == "knowledge"


def test_a_right_first_letter_and_a_common_word_win():
    assert meant_by("robbin", {"robin": 1, "bobbin": 1})[0] == "robin"
    assert meant_by("cas", {"car": 1, "can": 900})[0] == "can"


def film(number, title, *creators, categories=("Thriller",)):
    return ItemInput(
        external_id=f"f{number}", title=title, creators=creators, category_paths=categories
    )


@pytest.fixture
def films(db):
    upsert_items(
        items=[
            film(1, "Rear Window", "Alfred Hitchcock"),
            film(2, "Rope", "Alfred Hitchcock"),
            film(3, "Star Wars", "George Lucas", categories=("Science fiction",)),
            film(4, "The Godfather", "Francis Ford Coppola", categories=("Crime",)),
            film(5, "Ropes", "Nobody Else", categories=("Crime",)),
        ]
    )
    build_terms()


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("hitchcok thriller", "hitchcock thriller"),
        ("Hitchcok thriler", "hitchcock thriller"),
        ("starwars", "star wars"),
        ("god father", "godfather"),
        ("the god fahter", "the godfather"),
        ("rear window", None),
        ("asdfgh qwerty", None),
        ("1954", None),
        ("", None),
        ("hitchcok -crime", "hitchcock -crime"),
    ],
)
def test_a_query_is_corrected_only_where_that_finds_something(typed, corrected):
    assert correct(typed) == corrected


@pytest.mark.usefixtures("films")
def test_of_two_near_words_the_one_that_fits_the_others_is_taken():
    upsert_items(items=[film(n, f"Ward {n}", "Nobody Else") for n in range(10, 14)])
    build_terms()
    assert correct("warz nobody") == "ward nobody"
    assert correct("warz lucas") == "wars lucas"


@pytest.mark.usefixtures("films")
def test_terms_are_built_again_without_what_is_gone():
    assert vocabulary().items["hitchcock"] == 2
    set_hidden(external_ids=["f1", "f2"], hidden=True)
    call_command("build_terms")
    assert not Term.objects.filter(word="hitchcock").exists()
    assert "hitchcock" not in vocabulary().items
    assert "godfather" in vocabulary().items


@pytest.mark.usefixtures("films")
def test_what_several_people_asked_is_no_error():
    assert correct("ropez") == "ropes"
    Query.objects.create(
        text="Ropez", normalized="ropez", source="log", answers=1, people=4, witnesses=[1]
    )
    build_terms()
    assert correct("ropez") is None


@pytest.mark.usefixtures("films")
def test_what_more_items_hold_together_wins_where_letters_do_not_decide():
    upsert_items(items=[film(n, f"Bold {n}", "Same Name") for n in range(20, 40)])
    upsert_items(items=[film(40, "Cold", "Same Name"), film(41, "Cold", "Other Name")])
    build_terms()
    assert correct("dold name") == "bold name"
    assert correct("dold other") == "cold other"


@pytest.mark.django_db
def test_without_any_terms_nothing_is_corrected():
    assert build_terms() == 0
    assert correct("hitchcok thriller") is None


def test_a_common_english_word_is_no_error_for_a_name_of_the_catalog(db):
    upsert_items(items=[ItemInput(external_id="g", title="Comedy", creators=["Anna Greif"])])
    build_terms()
    assert correct("comedy grief") is None
    assert correct("comedy griefff") is None
    assert correct("comedy greiff") == "comedy greif"


def test_two_small_words_are_never_run_together_to_a_name(db):
    upsert_items(items=[ItemInput(external_id="i", title="Old town", creators=["Ina Small"])])
    build_terms()
    assert correct("growing old in a small town") is None


def test_two_known_words_are_run_together_only_where_that_finds_something(db):
    upsert_items(
        items=[
            film(1, "The Old Fox", "Gary Oldman"), film(2, "A Man at Sea"), film(3, "Quiet Days"),
        ]
    )  # fmt: skip
    build_terms()
    assert correct("old man and the quiet sea") is None
    assert correct("gary old man") == "gary oldman"


def test_a_rare_word_is_not_worth_two_errors_in_a_short_one(db):
    one = [ItemInput(external_id="r", title="Film", creators=["Mikhail Romm"])]
    many = [ItemInput(external_id=f"m{n}", title="Marion") for n in range(3)]
    upsert_items(items=[*one, *many])
    build_terms()
    assert correct("romcom") is None
    assert correct("mroion") == "marion"
