import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.cover_art import COMPOSITIONS, HEIGHT, WIDTH, Dice
from catalog.cover_text import STEPS, set_title, width
from catalog.covers import PALETTES, CoverCodes, codes_of, cover_digest, cover_svg, draw
from catalog.models import Item

AVAILABLE = 204
SVG = "{http://www.w3.org/2000/svg}"


def film(**fields):
    given = {
        "title": "Rear Window",
        "year": 1954,
        "category_paths": ["Thriller"],
        "creators": ["Alfred Hitchcock"],
    }
    return Item(**(given | fields))


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_same_item_gives_the_same_bytes():
    assert cover_svg(film()) == cover_svg(film())
    assert cover_digest(film()) == cover_digest(film())


@pytest.mark.parametrize(
    "change",
    [{"title": "Vertigo"}, {"year": 1955}, {"creators": ["A"]}, {"category_paths": ["War"]}],
)
def test_whatever_shows_on_the_cover_changes_its_address(change):
    assert cover_digest(film()) != cover_digest(film(**change))


def test_films_of_one_director_share_their_colours_and_of_one_kind_their_composition():
    def ground(item):
        return re.search(r'<path fill="(#\w+)"', cover_svg(item)).group(1)

    assert ground(film()) == ground(film(title="Vertigo", year=1958, category_paths=["War"]))


@pytest.mark.parametrize("palette", PALETTES)
def test_words_on_every_ground_can_be_read(palette):
    assert contrast(palette.ground, palette.ink) >= 4.5


@pytest.mark.parametrize("number", range(len(COMPOSITIONS)))
def test_every_composition_is_well_formed_small_and_answers_to_the_dice(number):
    drawn = {
        draw(
            title="Some title",
            imprint="1964 · Somebody",
            codes=CoverCodes(composition=number, palette=number, arrangement=arrangement),
        )
        for arrangement in range(12)
    }
    assert len(drawn) == 12
    for svg in drawn:
        assert ET.fromstring(svg).get("viewBox") == "0 0 240 360"
        assert len(svg.encode()) < 6_000


def test_codes_of_any_size_are_understood():
    codes = CoverCodes(composition=10**12, palette=10**12 + 1, arrangement=10**12 + 2)
    ET.fromstring(draw(title="x", imprint="", codes=codes))


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        "\"quotes\" & 'ampersands' ]]>",
        "nul \x00 bell \x07 escape \x1b",
        "lone surrogate \ud800",
        "noncharacter \ufffe",
    ],
)
def test_a_hostile_title_stays_a_title(title):
    svg = cover_svg(film(title=title, creators=[title]))
    root = ET.fromstring(svg)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "path", "circle", "ellipse", "g", "text", "tspan")
    }
    svg.encode("utf-8")


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=500))
def test_any_text_becomes_a_well_formed_cover(title):
    ET.fromstring(cover_svg(film(title=title, creators=[title[:200]])).encode())


@pytest.mark.parametrize(
    "title",
    [
        "M",
        "Rear Window",
        "The Incredibly Strange Creatures Who Stopped Living and Became Mixed-Up Zombies",
        "Supercalifragilisticexpialidocious",
        "千と千尋の神隠し",
        "ملوك الجدعنة",
        "word " * 100,
        "x" * 500,
    ],
)
def test_every_line_of_a_title_fits_and_so_do_all_lines(title):
    setting = set_title(title, AVAILABLE)
    assert all(width(line, setting.size) <= AVAILABLE for line in setting.lines)
    assert setting.height <= 96
    assert len(setting.lines) <= dict(STEPS)[setting.size]


def test_short_titles_are_set_larger_than_long_ones():
    assert (
        set_title("Jaws", AVAILABLE).size > set_title("A long title of many words", AVAILABLE).size
    )


def test_the_last_line_is_not_left_lonely():
    assert set_title("The Silence of the Lambs", AVAILABLE).lines == (
        "The Silence",
        "of the Lambs",
    )


def test_right_to_left_titles_begin_at_the_right():
    assert 'direction="rtl"' in cover_svg(film(title="ملوك الجدعنة"))
    assert 'direction="rtl"' not in cover_svg(film())


def test_dice_depend_on_the_seed_alone():
    def throws(seed):
        dice = Dice(seed)
        return [dice.below(100) for _ in range(20)]

    assert throws("a") == throws("a") != throws("b")
    assert all(0 <= throw < 100 for throw in throws("c"))


def test_motifs_are_drawn_on_their_field():
    assert (WIDTH, HEIGHT) == (240, 228)


def test_an_item_with_codes_is_drawn_by_them_alone():
    one = film(cover_codes=[5, 3, 7])
    other = film(cover_codes=[5, 3, 7], category_paths=["War"], creators=["Alfred Hitchcock", "B"])
    assert cover_svg(one) == cover_svg(other)
    assert codes_of(one) == CoverCodes(composition=5, palette=3, arrangement=7)
    assert cover_digest(one) != cover_digest(film())


@pytest.mark.parametrize("codes", [[5], [5, 3], [5, 3, 7, 9], [2**31 - 1, 0, 0]])
def test_any_number_of_codes_gives_a_cover(codes):
    assert ET.fromstring(cover_svg(film(cover_codes=codes))).tag == f"{SVG}svg"


def test_no_codes_are_the_same_as_none():
    assert codes_of(film(cover_codes=[])) == codes_of(film())
