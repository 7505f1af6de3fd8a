import itertools
import re

import pytest
from PIL import Image

from catalog.models import Item
from recs.codes import build_codes
from recs.kinds import address_of, first_kinds, kinds_below
from recs.ml.semantic_ids import SemanticIdConfig
from search.views.cards import item_url
from search.views.kinds import kind_url
from tests.recs.conftest import world  # noqa: F401  the fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(world):  # noqa: F811
    return build_codes(config=SemanticIdConfig(levels=3, codes=3, flat=4))


def text(response):
    return response.content.decode()


def test_the_kinds_are_shelves_with_names_counts_and_covers(client, version):
    page = text(client.get("/kinds"))
    assert page.count("<h1") == 1
    assert page.count('class="shelf-card"') == 3
    for kind in first_kinds(version):
        assert f'href="{kind_url(kind.path)}"' in page
        assert kind.name in page
    assert page.count("/cover/") == 12


def test_a_kind_shows_its_items_its_parts_and_the_way_back(client, version):
    kind = first_kinds(version)[0]
    page = text(client.get(kind_url(kind.path)))
    assert f"<h1><bdi>{kind.name}</bdi></h1>" in page
    assert page.count('class="card"') == min(kind.count, 24)
    assert 'href="/kinds"' in page
    below = kinds_below(version, kind.path)
    assert page.count('class="shelf-card"') == len(below)
    part = text(client.get(kind_url(below[0].path)))
    assert f'href="{kind_url(kind.path)}"' in part
    assert "s=kind" in part


def test_headings_go_down_one_step_at_a_time(client, version):
    for path in ("/kinds", kind_url(first_kinds(version)[0].path)):
        levels = [int(n) for n in re.findall(r"<h(\d)", text(client.get(path)))]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_an_address_with_zeros_leads_to_the_one_without(client, version):
    path = first_kinds(version)[0].path
    answer = client.get(f"/kinds/{path}")
    assert answer.status_code == 302
    assert answer["Location"] == f"/kinds/{address_of(path)}"


@pytest.mark.parametrize("address", ["999", "x", "1..2", "0.999", "1234"])
def test_a_kind_that_is_not_there_is_not_found(client, version, address):
    assert client.get(f"/kinds/{address}").status_code == 404


def test_before_there_are_kinds_the_page_says_where_to_go(client, db):
    page = text(client.get("/kinds"))
    assert 'href="/browse"' in page
    assert client.get("/kinds/0").status_code == 404
    assert "/kinds" not in text(client.get("/browse"))


def test_browsing_leads_to_the_kinds(client, version):
    assert 'href="/kinds"' in text(client.get("/browse"))


def test_an_item_shows_more_of_its_kind(client, version):
    item = Item.objects.get(external_id="drama-0")
    page = text(client.get(item_url(item)))
    assert "More of this kind" in page
    row = page.partition('aria-labelledby="row-kind"')[2].partition("</section>")[0]
    titles = re.findall(r'class="card-title">([^<]+)<', row)
    assert len(titles) == 12
    assert all(title.startswith("Drama") for title in titles)
    path = first_kinds(version)
    drama = next(kind for kind in path if kind.name == "Drama")
    assert f'<a href="{kind_url(drama.path)}">All of <bdi>Drama</bdi></a>' in row


def test_the_pages_ask_the_database_seldom(client, version, django_assert_max_num_queries):
    for path in ("/kinds", kind_url(first_kinds(version)[0].path)):
        client.get(path)
        with django_assert_max_num_queries(14):
            client.get(path)


def test_photographs_of_the_folder_are_shown_and_nothing_else(client, settings, tmp_path):
    settings.RECS_IMAGE_DIR = str(tmp_path)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("secret")
    (tmp_path / "page.svg").write_text("<svg/>")
    answer = client.get("/media/a.png")
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
    for path in ("/media/notes.txt", "/media/page.svg", "/media/no.png", "/media/..%2Fa.png"):
        assert client.get(path).status_code == 404
    settings.RECS_IMAGE_DIR = ""
    assert client.get("/media/a.png").status_code == 404
