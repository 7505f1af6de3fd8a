"""The ladder where pairs are of a person and an item, and where a small model is tuned for it."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.events import record_events
from catalog.items import upsert_items
from catalog.labels import set_label
from catalog.models import Item, Label, Person
from catalog.types import EventInput, ItemInput
from recs.frozen_labels import read_frozen, reviewed
from recs.ml.match import tuned as tuned_module
from recs.ml.match.ladder_rows import apart, ladder_rows, told_taste
from recs.ml.match.tuned_files import load_tuned
from recs.ml.text_encoder import packaged_model_dir
from tests.workers.llm.test_ladder import encode
from workers import ladder as ladder_module
from workers.augmentation.label_forms import BRIEF, FULL, LIKELIHOOD, Told, asked_as, badness
from workers.ladder import LadderInput, run_ladder, table, write_ladder
from workers.management.commands import ladder as command
from workers.models import LlmCall

KINDS = ("Drama", "Horror", "Western", "Musical")
EACH = 14
WANTED = 5


@pytest.fixture
def planted(db):
    """People who want one kind each, judged twice: their kind is good, the next kind bad."""
    upsert_items(
        items=[
            ItemInput(
                external_id=f"{kind}-{n}", title=f"{kind} film {n}",
                description=f"A {kind.lower()} of number {n}.", category_paths=[kind],
            )
            for kind in KINDS for n in range(EACH)
        ]
    )  # fmt: skip
    now = timezone.now()
    for n, kind in enumerate(KINDS * 4):
        record_events(
            events=[
                EventInput(
                    kind="like", item_id=f"{kind}-{place}", user_id=f"p{n}",
                    time=now - timedelta(days=3, minutes=place),
                )
                for place in range(WANTED)
            ]
        )  # fmt: skip
    items = dict(Item.objects.values_list("external_id", "pk"))
    for n, kind in enumerate(KINDS * 4):
        person = Person.objects.get(external_id=f"p{n}")
        other = KINDS[(n + 1) % len(KINDS)]
        # Other films for the people who are tested, so that nothing of theirs teaches.
        places = range(5, 9) if n < 4 else range(9, 14)
        for place in places:
            for grade, of in ((3, kind), (0, other)):
                for who in ("ann", "bob"):
                    set_label(
                        kind="fit", item_id=items[f"{of}-{place}"], grade=grade, source="human",
                        labeller=who if n < 4 else "cat", person=person,
                    )  # fmt: skip
    return items


@pytest.fixture
def frozen(planted, tmp_path):
    path = tmp_path / "fit.jsonl"
    call_command("freeze_labels", kind="fit", out=path)
    return read_frozen(path)


class TestFreezing:
    def test_a_set_of_fit_holds_what_people_wanted_before_they_were_judged(self, frozen):
        assert frozen.kind == "fit"
        assert set(frozen.tastes) == {"p0", "p1", "p2", "p3"}
        wanted = frozen.tastes["p0"]["wanted"]
        assert {one["title"] for one in wanted} == {f"Drama film {n}" for n in range(WANTED)}
        assert wanted[0]["categories"] == ["Drama"]
        assert len(frozen.sure) == 32

    def test_what_was_done_after_the_first_grade_is_not_in_it(self, planted, frozen, tmp_path):
        record_events(
            events=[EventInput(kind="like", item_id="Horror-13", user_id="p0",
                               time=timezone.now() + timedelta(seconds=1))]
        )  # fmt: skip
        call_command("freeze_labels", kind="fit", out=tmp_path / "again.jsonl")
        assert read_frozen(tmp_path / "again.jsonl").sha256 == frozen.sha256

    def test_what_one_person_judged_teaches_and_nothing_of_the_set_does(self, frozen):
        taught = apart(reviewed("fit").pairs, frozen.sure, "fit")
        assert {pair["person"] for pair in taught} == {f"p{n}" for n in range(4, 16)}
        assert not {pair["title"] for pair in taught} & {pair["title"] for pair in frozen.sure}
        assert len(taught) == 12 * 10


def said(grade):
    """What a model writes of any film."""
    return json.dumps(
        {"evidence": ["film"], "reason": "r", "grade": grade, "confidence": 9, "cannot_say": False}
    )


class TestLadder:
    def test_every_labeller_is_run_on_people_and_items(self, frozen, served, tmp_path):
        served.text = said(0)
        rows = run_ladder(
            LadderInput(
                frozen=frozen, train=reviewed("fit"), encode=encode,
                providers=[served.endpoint()], forms=(BRIEF,), most_asked=8,
            )
        )  # fmt: skip
        by_name = {row["labeller"]: row for row in rows}
        assert by_name["rules (a category or a maker shared)"]["f1"]["mean"] == 1.0
        assert by_name["logistic regression"]["f1"]["mean"] > 0.9
        assert by_name["tiny"]["recall"]["mean"] == 1.0
        assert by_name["tiny"]["pairs"] == 8
        user = served.asked[0]["messages"][-1]["content"]
        assert user.startswith("Wanted: <<")
        assert "p0" not in user
        write_ladder(rows, frozen, tmp_path / "out")
        told = (tmp_path / "out" / "metrics.json").read_text()
        # Who wanted what stays in the set's own file.
        assert "tastes" not in told
        assert table(rows) in (tmp_path / "out" / "ladder.md").read_text()

    def test_the_command_tunes_on_what_people_judged_and_keeps_it(
        self, frozen, tmp_path, monkeypatch, capsys
    ):
        seen = []
        real = tuned_module.tune

        def small(pairs, folder, config):
            seen.append(pairs)
            fit = tuned_module.FitConfig(
                epochs=2, learning_rate=5e-4, batch_size=16, warmup_steps=2, precision="fp32"
            )
            fast = tuned_module.TunedConfig(
                frozen=5, tokens=24, least=5, least_groups=4, held_out=0.5, fit=fit
            )
            return real(pairs, folder, fast)

        monkeypatch.setattr(ladder_module, "tune", small)
        given = {"set": tmp_path / "fit.jsonl", "train": "labels", "tune": tmp_path / "tuned"}
        call_command("ladder", **given, out=tmp_path / "out")
        [taught] = seen
        told = {pair["title"] for pair in frozen.sure}
        assert not any(text.split(". ")[0] in told for text in taught.offered)
        assert len(taught) == 120
        assert "MiniLM tuned on 120 reviewed pairs" in capsys.readouterr().out
        kept = load_tuned(tmp_path / "tuned", packaged_model_dir())
        assert kept.taught == 120
        manifest = json.loads((tmp_path / "tuned" / "manifest.json").read_text())
        assert manifest["provenance"]["apart from"] == frozen.sha256
        with pytest.raises(CommandError, match="never changes"):
            call_command("ladder", **given, out=tmp_path / "out")

    def test_with_too_little_to_learn_from_the_others_are_run_all_the_same(self, frozen):
        few = reviewed("fit")
        few = replace(few, pairs=[pair for pair in few.pairs if pair["person"] in ("p5", "p6")])
        said = []
        rows = run_ladder(LadderInput(frozen=frozen, train=few, encode=encode, say=said.append))
        names = {row["labeller"] for row in rows}
        assert "cosine" in names
        assert "logistic regression" not in names
        assert any(line.startswith("logistic regression: 10 bad") for line in said)

    def test_nothing_is_tuned_without_pairs_apart_and_kinds_are_not_mixed(self, frozen, tmp_path):
        path = tmp_path / "fit.jsonl"
        with pytest.raises(CommandError, match="--train"):
            call_command("ladder", set=path, tune=tmp_path / "x", out=tmp_path / "out")
        other = tmp_path / "relevance.jsonl"
        other.write_text('{"kind": "relevance"}\n{"grade": 1, "title": "x", "query": "y"}\n')
        with pytest.raises(CommandError, match="pairs of relevance"):
            call_command("ladder", set=path, train=str(other), out=tmp_path / "out")
        with pytest.raises(CommandError, match="MODEL@URL"):
            call_command("ladder", set=path, endpoint=["http://x"], out=tmp_path / "out")

    def test_an_endpoint_is_named_by_model_and_address(self, frozen, served, tmp_path):
        found = command._endpoint(f"small@{served.url}")
        assert found.model == "small"
        served.text = said(3)
        rows = run_ladder(
            LadderInput(frozen=frozen, train=None, encode=encode, providers=[found], most_asked=4)
        )
        assert rows[-1]["labeller"] == "small"
        assert {one["model"] for one in served.asked} == {"small"}


class TestForms:
    def test_the_brief_form_bounds_what_is_written(self):
        told = Told(kind="relevance", item="A lamp", query="lamp")
        full, brief = asked_as(FULL, told), asked_as(BRIEF, told)
        assert (brief.system, brief.user) == (full.system, full.user)
        assert brief.max_tokens < full.max_tokens
        assert brief.schema["properties"]["evidence"]["maxItems"] == 1
        assert len({full.version, brief.version, asked_as(LIKELIHOOD, told).version}) == 3

    def test_a_likelihood_is_asked_with_the_guideline_first_and_the_same(self):
        one, two = (
            asked_as(LIKELIHOOD, Told(kind="fit", item=item, wanted=("A", "B")))
            for item in ("A lamp", "A tent")
        )
        same = len(one.user) - len("Item: <<A lamp>>")
        assert one.user[:same] == two.user[:same]
        assert one.choices == ("bad", "fair", "good", "perfect")

    def test_how_bad_is_the_odds_of_the_word_against_the_others(self):
        chosen = [
            {"text": word, "likelihood": float(np.log(share))}
            for word, share in (("good", 0.5), ("bad", 0.2), ("fair", 0.2), ("perfect", 0.1))
        ]
        assert badness(chosen) == pytest.approx(np.log(0.2 / 0.8))
        assert badness([{"text": "bad"}]) == 1.0
        assert badness([{"text": "good"}, {"text": "bad"}]) == -1.0

    def test_the_bound_of_a_likelihood_is_taught_by_other_pairs(self, frozen, served):
        """A model that finds everything bad, but what is bad a little more."""
        bad = {pair["title"] for pair in (*frozen.sure, *reviewed("fit").pairs)
               if pair["grade"] == 0}  # fmt: skip
        likely = {}

        class Likely:
            model, revision, concurrency, is_small = "likely", "", 1, False
            price = served.endpoint().price

            def complete(self, prompt, *, seconds):
                item = prompt.user.rsplit("Item: <<", 1)[1].split(".")[0]
                kind = prompt.user.rsplit("Wanted: <<", 1)[1].split()[0]
                value = -0.1 if not item.startswith(kind) else -0.5
                likely[item] = value
                told = [{"text": "bad", "likelihood": value}]
                told += [{"text": word, "likelihood": -3.0} for word in prompt.choices[1:]]
                return tuned_completion(json.dumps({"chosen": told}))

        rows = run_ladder(
            LadderInput(
                frozen=frozen, train=reviewed("fit"), encode=encode, providers=[Likely()],
                forms=(LIKELIHOOD,), most_asked=12, most_taught=10,
            )
        )  # fmt: skip
        told = rows[-1]
        assert told["labeller"] == "likely, likelihood"
        assert told["f1"]["mean"] == 1.0
        assert LlmCall.objects.filter(model="likely").count() == 22
        assert told["tokens"] == 22 * 110
        assert bad


def tuned_completion(text):
    from workers.llm.types import Completion

    return Completion(text=text, input_tokens=100, output_tokens=10)


def test_a_taste_as_a_text_and_a_person_of_whom_nothing_is_known():
    taste = {"wanted": [{"title": "A", "categories": ["Drama"]}, {"title": "B"}]}
    assert told_taste(taste) == "A (Drama); B"
    pair = {"person": "p", "title": "A film", "grade": 0}
    rows = ladder_rows("fit", [pair], encode)
    assert rows.read.asked == [""]
    assert rows.features.tolist() == np.zeros((1, rows.features.shape[1])).tolist()


def test_labels_that_are_no_persons_are_not_reviewed(planted):
    item = Item.objects.get(external_id="Drama-0")
    person = Person.objects.get(external_id="p9")
    before = len(reviewed("fit").pairs)
    set_label(kind="fit", item_id=item.pk, grade=0, source=Label.Source.LLM, labeller="m",
              person=person)  # fmt: skip
    assert len(reviewed("fit").pairs) == before
