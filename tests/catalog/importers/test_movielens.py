"""MovieLens folders, in the layouts that are published."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from catalog.errors import InvalidInput
from catalog.importers.movielens import import_movielens
from catalog.models import Event, Item

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(write, tmp_path):
    write(
        "movies.csv",
        "movieId,title,genres\n"
        '1,"Matrix, The (1999)",Action|Sci-Fi\n'
        "2,Seven (a.k.a. Se7en) (1995),Mystery|Thriller\n"
        "3,Untold,(no genres listed)\n",
    )
    write(
        "ratings.csv",
        "userId,movieId,rating,timestamp\n7,1,4.5,1260759144\n7,9,1,1260759145\n8,2,x,1\n",
    )
    return tmp_path


def test_films_get_their_title_year_and_genres(folder):
    films, ratings = import_movielens(folder=folder)
    matrix, seven, untold = Item.objects.order_by("external_id")
    assert (matrix.title, matrix.year) == ("The Matrix", 1999)
    assert matrix.category_paths == ["Action", "Science fiction"]
    assert (seven.title, seven.attributes) == ("Seven", {"also_known_as": ["Se7en"]})
    assert (untold.year, untold.category_paths) == (None, [])
    assert films.tally.created == 3
    assert ratings.tally.created == 1


def test_ratings_get_their_person_value_and_time_and_bad_ones_are_told(folder):
    _, ratings = import_movielens(folder=folder)
    event = Event.objects.select_related("person").get()
    assert (event.person.external_id, event.value) == ("7", 4.5)
    assert event.time == datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)
    assert [(p.line, p.field) for p in ratings.problems] == [(3, "item_id"), (4, "value")]


def test_the_layout_of_1m_is_read_in_latin_1(write, tmp_path):
    write("movies.dat", "1::Misérables, Les (1995)::Drama|Musical\n2::broken\n".encode("latin-1"))
    write("ratings.dat", "5::1::4::978300760\n")
    films, ratings = import_movielens(folder=tmp_path)
    assert Item.objects.get().title == "Les Misérables"
    assert films.problems[0].line == 2
    assert ratings.tally.created == 1


def test_importing_the_folder_again_changes_nothing(folder):
    import_movielens(folder=folder)
    films, ratings = import_movielens(folder=folder)
    assert (films.tally.unchanged, ratings.tally.unchanged) == (3, 1)
    assert Event.objects.count() == 1


def test_a_folder_without_the_files_is_refused(tmp_path, write):
    with pytest.raises(InvalidInput, match=r"movies\.csv"):
        import_movielens(folder=tmp_path)
    with pytest.raises(InvalidInput, match="no folder"):
        import_movielens(folder=tmp_path / "missing")
    write("movies.csv", "id,name\n1,x\n")
    with pytest.raises(InvalidInput, match="no column movieId"):
        import_movielens(folder=tmp_path)


@pytest.mark.slow
def test_the_real_folder_imports_whole(shared_data):
    out = StringIO()
    call_command("import_movielens", str(shared_data / "films"), stdout=out)
    assert "9,125 films: 9,125 new" in out.getvalue()
    assert "100,004 ratings: 100,004 new" in out.getvalue()
    toy_story = Item.objects.get(external_id="1")
    assert (toy_story.title, toy_story.year) == ("Toy Story", 1995)
    assert "Tom Hanks" in toy_story.attributes["cast"]
