"""The screen for personal data: planted positives and innocent queries, with both rates."""

import sys

import pytest
from django.contrib.auth.models import User

from search.models import Query
from search.personal_data import account_names, is_private, private_among, why_private
from search.query_store import build_queries
from search.text import normalize_query
from tests.search.films import log_search, visitor

POSITIVES = """
e-mail: anna@example.org|write to anna@example.org|anna (at) example.org|anna@localhost
handle: @anna_k films|films by @anna.k
telephone number: +33 1 70 18 99 00|(020) 7946 0958|020 7946 0958|0170 1234567|555-123-4567
telephone number: (555) 123-4567|+1 (555) 123-4567|+49-30-1234567|06.12.34.56.78|call 555 123 4567
card number: 4111 1111 1111 1111|4111-1111-1111-1111|5500005555555559|378282246310005
IBAN: DE89 3704 0044 0532 0130 00|gb29nwbk60161331926819|FR14 2004 1010 0505 0001 3M02 606 transfer
long number: order 4400193|75011 paris|98765432100
street address: 12 Baker Street|221b baker street|10 downing st|1600 Pennsylvania Avenue
street address: 12 rue de la paix|calle mayor 5|hauptstraße 12|Lindenweg 3|p.o. box 123
postcode: SW1A 1AA|m1 1ae|K1A 0B1|1012 AB Amsterdam
web address: https://example.org/me|www.example.org|instagram.com/anna.k
IP address: 192.168.0.1|2001:db8:85a3::8a2e:370:7334
national ID: 123-45-6789|AB 12 34 56 C|12345678Z|x1234567l|RSSMRA85T10A562S|1 85 05 78 006 084
"""
OTHER_FIGURES = ("".join(chr(0xFF10 + n) for n in range(10)), "\u0660\u0661\u0662\u0663\u0664")
INNOCENT = """
blade runner 2049|2001 a space odyssey|catch-22|apollo 13|se7en|12 angry men|1960s comedy|1917|300
the 39 steps|fahrenheit 451|10 things i hate about you|8 1/2|9 to 5|48 hrs|21 grams|127 hours|1408
the 400 blows|mission: impossible 2|ocean's 11|space jam 1996|movies from 1939-1945|s1m0ne|e.t.
1999 2000 2001 films|u-571|k-19|thx 1138|district 9|films of 1984|3:10 to yuma|0.5 mm|m*a*s*h|2046
20,000 leagues under the sea|1,001 nights|2 fast 2 furious|13 going on 30|startup.com|fear.com
you've got mail|isbn 978-3-16-148410-0|7 samurai 1954|wall street|mulholland drive|elm street
sunset boulevard|nightmare on elm street 3|101 dalmatians|leon the professional 1994|11:14|4k movies
french comedy 1960-1969|4 luni 3 saptamani|the taking of pelham 123|i, robot|batman 1989 2005 2008
24 7 365|100% wolf|rue morgue|via dolorosa|st elsewhere|drive 2011|the court 2014|12 close friends
gone in 60 seconds|the number 23|8 mile|10 cent pistol|99 homes|28 days later|12 years a slave|?!
"""


def planted():
    for line in POSITIVES.strip().splitlines():
        kind, _, texts = line.partition(": ")
        yield from ((kind, text) for text in texts.split("|"))


def innocent():
    return [text for line in INNOCENT.strip().splitlines() for text in line.split("|")]


def test_recall_and_false_positives_on_the_planted_suite(capsys):
    positives, negatives = list(planted()), innocent()
    missed = [text for _, text in positives if not is_private(text)]
    wrong = [(text, why_private(text)) for text in negatives if is_private(text)]
    with capsys.disabled():
        sys.stdout.write(
            f"\npersonal data: recall {1 - len(missed) / len(positives):.3f} of {len(positives)},"
            f" false positives {len(wrong) / len(negatives):.3f} of {len(negatives)}\n"
        )
    assert missed == []
    assert wrong == []


def test_each_kind_is_told_by_its_name():
    assert {text: why_private(text) for _, text in planted()} == {
        text: kind for kind, text in planted()
    }


@pytest.mark.parametrize("text", OTHER_FIGURES)
def test_figures_of_other_scripts_are_figures(text):
    assert is_private(text)


@pytest.mark.parametrize("text", ["4111 1111 1111 1112", "DE88 3704 0044 0532 0130 00"])
def test_a_wrong_check_figure_is_no_card_or_iban_but_still_a_long_number(text):
    assert why_private(text) not in ("card number", "IBAN")
    assert is_private(text)


@pytest.mark.parametrize(
    "text", ["1 " * 1000, "a" * 2000, "(1 " * 700, "@ " * 1000, "1 a b c " * 250, "a.b-" * 500]
)
@pytest.mark.timeout(20)
def test_no_text_takes_for_ever(text):
    """The mark above is the check."""
    why_private(text)


@pytest.fixture
def account(db):
    return User.objects.create_user(
        "tomk_87", "tom.keller@example.org", "correct horse battery",
        first_name="Tom", last_name="Keller",
    )  # fmt: skip


def among(*texts):
    return private_among((text, normalize_query(text)) for text in texts)


def test_an_account_is_nobody_elses_query(account):
    named = (
        "Tom Keller",
        "keller tom films",
        "tomk_87",
        "films of tomk_87",
        "keller",
        "tom keller",
    )
    assert among(*named) == {normalize_query(text) for text in named}
    assert among("tom films", "tombstone", "major tom") == set()


def test_who_is_also_in_the_catalog_is_shown(built):
    User.objects.create_user("tati", "j@example.org", "x", first_name="Jacques", last_name="Tati")
    assert among("jacques tati") == set()
    assert account_names().within == {"j example org"}


def test_an_address_that_is_a_title_is_shown(db):
    assert among("21 jump street") == {"21 jump street"}
    Query.objects.create(text="21 Jump Street", normalized="21 jump street", source="titles")
    assert among("21 jump street") == set()


@pytest.mark.django_db
def test_what_people_typed_of_an_account_stays_out_of_the_store(films, account):
    for text in ("tom keller", "anna@example.org", "hulot films"):
        for n in range(3):
            log_search(text, viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    build_queries()
    assert set(Query.objects.filter(source="log").values_list("text", flat=True)) == {"hulot films"}
