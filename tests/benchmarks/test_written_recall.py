"""Written queries and recall: what only they answer is found with them, and no query is told."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from benchmarks.written_recall import arms, run
from benchmarks.written_recall.arms import Arm, as_proposals, ceiling, code_arms
from benchmarks.written_recall.cases import ALL, TAIL, read_asked, read_shelf
from benchmarks.written_recall.loading import load
from benchmarks.written_recall.measures import compare
from benchmarks.written_recall.neighbours import wordings_of_neighbours
from benchmarks.written_recall.searches import indexed, own_matches, search_all
from benchmarks.written_recall.services import MARK, run_inside
from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from recs.embeddings import encode_pending
from recs.models import ContentVersion
from search.models import ItemWords, Proposal, Query
from tests.workers.llm.conftest import served  # noqa: F401  the fixture
from workers.augmentation.queries import choose

SINCE = datetime(2012, 7, 1, tzinfo=UTC)
GOODS = ("Brass lantern", "Tin kettle", "Wool blanket", "Folding stool", "Iron pan")


@pytest.fixture
def goods(db):
    """Five kinds of things, four of each, with vectors."""
    upsert_items(
        items=[
            ItemInput(external_id=f"{n}-{k}", title=f"{name} model {k}", category_paths=["Camping"])
            for n, name in enumerate(GOODS)
            for k in range(4)
        ]
    )
    encode_pending()
    return {item.external_id: item.pk for item in Item.objects.all()}


def graded(folder, queries=("zebra umbrella", "lantern"), grade=4):
    """A judged file of the goods; the first query stands in no product."""
    rows = [
        {"id": f"{n}{place}", "query": query, "product_title": title,
         "product_description": "It hangs by the sea." * (n % 2), "median_relevance": grade,
         "relevance_variance": 0}
        for place, query in enumerate(queries)
        for n, title in enumerate(GOODS)
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    with (folder / "graded.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def films(folder):
    folder.mkdir()
    lines = [
        {"movieId": 1, "title": "Known (1990)", "genres": ["Drama"]},
        {"movieId": 2, "title": "Forgotten (1991)", "genres": ["Drama"]},
    ]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ratings = [f"{n},1,4.0,1000000000" for n in range(12)] + ["1,2,4.0,1000000000"]
    ratings += [f"{n},2,4.0,1450000000" for n in range(12)]
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]))
    tags = ["1,1,Slow Rain,1450000000", "2,2,slow  rain,1450000001", "2,1,early,1200000000"]
    (folder / "tags.csv").write_text("\n".join(["userId,movieId,tag,timestamp", *tags]))
    return folder


class TestCases:
    def test_a_judged_file_gives_products_once_and_good_ones_as_answers(self, tmp_path):
        folder = graded(tmp_path / "relevance")
        shelf, asked = read_shelf(folder, since=SINCE), read_asked(folder, since=SINCE)
        names = {item.external_id for item in shelf.items}
        assert len(shelf.items) == len(names) == len(GOODS)
        assert asked.queries == ["lantern", "zebra umbrella"]
        assert asked.slices[ALL]["lantern"] == names
        bare = {item.external_id for item in shelf.items if not item.description}
        assert asked.slices["no description"]["lantern"] == bare
        assert not read_asked(graded(tmp_path / "relevance", grade=2), since=SINCE).queries

    def test_items_tell_nothing_of_who_asked(self, tmp_path):
        one = read_shelf(graded(tmp_path / "a"), since=SINCE)
        other = read_shelf(graded(tmp_path / "b", ("quite other words",)), since=SINCE)
        assert one.items == other.items

    def test_of_films_only_later_tags_are_queries_and_only_earlier_ratings_known(self, tmp_path):
        folder = films(tmp_path / "films")
        shelf, asked = read_shelf(folder, since=SINCE), read_asked(folder, since=SINCE)
        assert len(shelf.events) == 13
        assert asked.slices[ALL] == {"slow rain": frozenset({"1", "2"})}
        # Whatever was rated later: nobody knew the second film then.
        assert asked.slices[TAIL] == {"slow rain": frozenset({"2"})}


class TestMeasures:
    def test_hits_won_and_lost_are_counted_apart_by_query(self):
        wants = {"a": frozenset("xy"), "b": frozenset("z"), "c": frozenset()}
        change = compare(["a", "b", "c"], [["x"], ["z"], []], [["x", "y"], [], ["x"]], wants)
        assert (change.queries, change.wanted, change.won, change.lost) == (2, 3, 1, 1)
        assert change.before.mean == pytest.approx(0.75)
        assert change.difference.mean == pytest.approx((0.5 - 1.0) / 2)
        assert change.net.mean == 0

    def test_what_is_won_is_told_for_what_was_used(self):
        change = compare(["a"], [[]], [["x", "y"]], {"a": frozenset("xy")})
        assert change.per(4, 1000).mean == pytest.approx(500)
        assert change.per(0, 1000) is None

    def test_queries_that_want_nothing_are_no_measure(self):
        with pytest.raises(ValueError, match="wants"):
            compare(["a"], [[]], [[]], {})


class TestSearches:
    def test_a_query_that_only_written_words_answer_is_found_with_them_and_not_without(self, goods):
        queries = ["zebra umbrella", "lantern"]
        rows = [(goods["1-0"], "zebra umbrella")]
        wants = {"zebra umbrella": frozenset({goods["1-0"]})}
        before = search_all(queries)
        with indexed(rows) as count:
            after = search_all(queries)
            assert own_matches(queries) == [0, 4]
        assert count == 1
        change = compare(queries, before[0], after[0], wants)
        assert (change.won, change.lost, change.difference.mean) == (1, 0, 1.0)
        assert goods["1-0"] in after[1][0]
        # Nobody's own words lose their places.
        assert after[0][1] == before[0][1]

    def test_whatever_is_tried_is_undone(self, goods):
        Proposal.objects.create(item_id=goods["0-0"], text="kept words", normalized="kept words",
                                model="m", prompt_version="1", call=1)  # fmt: skip
        before = search_all(["lantern"])
        with indexed([(goods["1-0"], "zebra umbrella")], joined=True):
            assert "zebra" in Item.objects.get(pk=goods["1-0"]).description
        assert [row.text for row in Proposal.objects.all()] == ["kept words"]
        assert not ItemWords.objects.exists()
        assert not Item.objects.filter(description__contains="zebra").exists()
        assert ContentVersion.objects.filter(is_live=True).exists()
        assert search_all(["lantern"]) == before

    def test_words_alone_find_nothing_by_meaning(self, goods):
        found = search_all(["warm bed cover for the night"])
        assert len(found[1][0]) > len(found[0][0])

    def test_joined_words_answer_together_with_own_ones_and_the_tier_does_not(self, goods):
        rows = [(goods["1-0"], "zebra umbrella")]
        with indexed(rows):
            tier = search_all(["zebra kettle"])
        with indexed(rows, joined=True):
            joined = search_all(["zebra kettle"])
        assert joined[0][0] == [goods["1-0"]]
        assert goods["1-0"] not in tier[0][0]


class TestArms:
    def test_by_lot_takes_two_of_the_same_wordings_and_the_same_ones_again(self):
        offered = {1: ["a b", "c d", "e f"], 2: ["g h"]}
        everything, lot, drawn = code_arms("own", offered, [2], 0)
        assert len(everything.rows) == 4
        assert set(lot.rows) <= set(everything.rows)
        assert [item for item, _ in lot.rows] == [1, 1, 2]
        assert drawn.rows == [(2, "g h")]
        assert code_arms("own", offered, [], 0)[1].rows == lot.rows

    def test_a_wording_counts_once_for_an_item(self):
        found = as_proposals([(1, "Red  Hat"), (1, "red hat"), (2, "red hat"), (1, "")])
        assert [(row.item_id, row.normalized) for row in found] == [(1, "red hat"), (2, "red hat")]

    def test_own_words_add_nothing_to_words(self, goods):
        items = list(Item.objects.order_by("pk"))
        rows = [(item.pk, " ".join(item.title.split()[:2])) for item in items]
        queries = [f"{name} camping" for name in GOODS] + [name.lower() for name in GOODS]
        before = search_all(queries)
        with indexed(rows):
            assert search_all(queries)[0] == before[0]

    def test_neighbours_lend_what_several_of_them_say(self, db):
        lamps = [f"Storm lamp number {n} for a windy night" for n in range(8)]
        upsert_items(
            items=[
                *(ItemInput(external_id=f"l{n}", title=title) for n, title in enumerate(lamps)),
                ItemInput(external_id="odd", title="Brass lamp for storms"),
            ]
        )
        encode_pending()
        found = wordings_of_neighbours()
        odd = Item.objects.get(external_id="odd").pk
        assert "windy night" in found[odd]
        assert all(" " in text for text in found[odd])

    def test_the_ceiling_is_what_is_asked(self, goods, tmp_path):
        asked = read_asked(graded(tmp_path / "relevance"), since=SINCE)
        arm = ceiling(asked, {"p0": goods["0-0"]})
        assert {text for _, text in arm.rows} == {"lantern", "zebra umbrella"}
        assert {item for item, _ in arm.rows} == {goods["0-0"]}
        assert (arm.calls, arm.items) == (0, 1)


class TestHome:
    def test_a_folder_that_is_somebody_elses_is_refused(self, tmp_path):
        (tmp_path / "data.txt").write_text("mine")
        with pytest.raises(SystemExit, match="not empty"):
            run_inside(tmp_path, [], made_from="films")
        assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]

    def test_a_home_of_other_data_is_refused(self, tmp_path):
        (tmp_path / MARK).write_text(json.dumps({"data": "films"}))
        with pytest.raises(SystemExit, match="filled from films"):
            run_inside(tmp_path, [], made_from="relevance")


@pytest.mark.django_db(transaction=True)
class TestWhole:
    @pytest.fixture
    def asks(self, settings, served, tmp_path):  # noqa: F811  the fixture
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = served.url, "tiny", "k"
        settings.LLM_PRICE, settings.LLM_CONCURRENCY = "1000/2000", 1
        settings.FORAY_HOME = tmp_path
        return served

    @pytest.mark.slow
    def test_no_judged_query_reaches_a_prompt_and_the_ledger_counts(
        self, asks, tmp_path, capsys, monkeypatch
    ):
        folder = graded(tmp_path / "relevance")
        known = []
        monkeypatch.setattr(
            run, "read_asked",
            lambda *given, **more: (
                known.append(len(asks.asked)), read_asked(*given, **more))[1],
        )  # fmt: skip
        asks.text = json.dumps(
            {"queries": [{"descriptor": "mood", "text": "quiet sea light", "evidence": "the sea"}]}
        )
        run.run(run.Options(data=folder, since=SINCE, items=5, writes="open"))
        told = capsys.readouterr().out
        # All was asked before one query was read, and none of them was told.
        assert len(asks.asked) == known[0] == 5
        assert not [one for one in asks.asked if "zebra" in json.dumps(one)]
        assert not Query.objects.exists()
        assert "5 items drawn, 5 calls, 600 tokens" in told
        assert "ceiling: the judged queries themselves" in told
        line = next(row for row in told.splitlines() if row.startswith("| the model's, all"))
        # Two of the five hold the words that it rests on; nobody asks what it says.
        assert line.split(" | ")[1:3] == ["2", "2"]
        assert line.endswith("+0.0 (+0.0 to +0.0) | +0.0 (+0.0 to +0.0) |")

    def test_a_model_that_proposes_nothing_is_told_with_what_it_used(self, asks, tmp_path, capsys):
        asks.text = json.dumps(
            {"queries": [{"descriptor": "mood", "text": "light", "evidence": "on the moon"}]}
        )
        folder = graded(tmp_path / "relevance")
        options = run.Options(data=folder, since=SINCE, items=3, writes="open", nulls=False,
                              vectors=False)  # fmt: skip
        run.run(options)
        told = capsys.readouterr().out
        assert "3 calls, 360 tokens, 0.420000 paid, 0 proposals" in told
        assert "ceiling" not in told
        assert "the whole fusion" not in told
        assert told.count("0.420000 paid, net hits for each 1.00: +0.0") == 2

    def test_a_kept_home_asks_only_what_is_missing(self, asks, tmp_path):
        load(read_shelf(graded(tmp_path / "relevance"), since=SINCE))
        kept = tmp_path / "drawn.json"
        first = arms.let_write(arms.QUERIES, items=2, seed=0, kept=kept)
        again = arms.let_write(arms.QUERIES, items=2, seed=0, kept=kept)
        more = arms.let_write(arms.QUERIES, items=5, seed=0, kept=kept)
        assert (first.calls, again.calls) == (2, 2)
        assert list(again.drawn) == list(first.drawn)
        assert set(first.drawn) <= set(more.drawn)
        assert len(set(more.drawn)) == len(more.drawn) >= more.calls
        assert more.money == Decimal("0.14") * more.calls
        assert choose(items=9, seed=0, version=first.version)

    def test_an_approved_fact_wins_the_hit_that_its_item_did_not_have(self, asks, tmp_path, capsys):
        """A tag whose word two others have, of the two that say "by the sea"."""
        folder = tmp_path / "relevance"
        graded(folder, queries=("maritime",), grade=1)
        text = (folder / "graded.csv").read_text().replace("Wool blanket", "Maritime wool blanket")
        text = text.replace("Iron pan", "Maritime iron pan")
        # The kettle alone is what somebody wants who asks.
        lines = [
            line[::-1].replace("1,0"[::-1], "4,0"[::-1], 1)[::-1] if "Tin kettle" in line else line
            for line in text.splitlines()
        ]
        (folder / "graded.csv").write_text("\n".join(lines))
        fact = {"facet": "tag", "about": "setting", "value": "maritime", "evidence": "by the sea"}
        asks.text = json.dumps({"facts": [fact]})
        run.run(
            run.Options(
                data=folder,
                since=SINCE,
                items=5,
                writes="open",
                kinds=("facts",),
                vectors=False,
                nulls=False,
            )
        )
        told = capsys.readouterr().out
        line = next(row for row in told.splitlines() if row.startswith("| the model's facts, all"))
        items, wordings, _, _, won, lost = line.split(" | ")[1:7]
        assert (items, wordings, won, lost) == ("2", "2", "1", "0")
        # Undone afterwards, as every arm.
        assert not Item.objects.exclude(added=[]).exists()

    def test_what_does_not_find_its_item_is_told_apart(self, asks, tmp_path):
        load(read_shelf(graded(tmp_path / "relevance"), since=SINCE))
        item = Item.objects.get(title="Tin kettle")
        both = [
            Proposal(item=item, text=text, normalized=text, model="m", call=1, prompt_version="1")
            for text in ("tin kettle for tea", "xylophone lessons")
        ]
        written = arms.Written(model="m", version="1", drawn=[item.pk], proposals=both, calls=1,
                               tokens=10, money=Decimal(0), came_of_it={})  # fmt: skip
        strict, loose = arms.model_arms(written)
        assert [text for _, text in strict.rows] == ["tin kettle for tea"]
        assert len(loose.rows) == 2
        assert isinstance(strict, Arm)
        assert (strict.calls, strict.asked) == (1, 1)
