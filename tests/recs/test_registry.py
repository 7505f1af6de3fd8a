import threading

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.errors import InvalidInput
from recs import registry
from recs.errors import CannotPromote, CannotRollBack, UnusableVersion
from recs.models import ModelVersion
from tests.recs.versions import AS_OF, USER_MODEL, candidate, promoted, small_artifact

pytestmark = pytest.mark.django_db

State = ModelVersion.State


def states():
    return dict(ModelVersion.objects.values_list("name", "state"))


def test_a_version_begins_in_training_and_its_artifact_makes_it_a_candidate():
    version = registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={"epochs": 1}, seed=7)
    assert (version.state, version.manifest_sha256) == (State.TRAINING, "")
    sizes = registry.Sizes(events=9, people=3, items=3, dimensions=2)
    version = registry.add_artifact(version=version, artifact=small_artifact(), sizes=sizes)
    assert version.state == State.CANDIDATE
    assert (version.events, version.dimensions, version.metrics) == (9, 2, {"ndcg@10": 0.1})
    loaded = registry.load(version)
    assert loaded.tensors["items"].shape == (4, 2)
    assert registry.folder(version).parent.name == USER_MODEL


def test_an_artifact_is_written_once():
    version = candidate("one")
    with pytest.raises(UnusableVersion):
        registry.add_artifact(version=version, artifact=small_artifact(), sizes=registry.Sizes())


def test_a_folder_left_by_a_killed_process_is_written_anew():
    version = registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={}, name="one")
    place = registry.folder(version)
    place.mkdir(parents=True)
    (place / "config.json").write_text("half")
    registry.add_artifact(version=version, artifact=small_artifact(), sizes=registry.Sizes())
    assert registry.load(version).config == {"embedding_size": 2}


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "a" * 100, "ü"])
def test_a_name_that_is_no_plain_folder_is_refused(name):
    with pytest.raises(InvalidInput):
        registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={}, name=name)


def test_promoting_retires_the_live_version_in_the_same_step():
    assert registry.live(USER_MODEL) is None
    one, two = promoted("one"), candidate("two")
    assert registry.live(USER_MODEL) == one
    registry.promote(version=two)
    assert states() == {"one": State.RETIRED, "two": State.LIVE}
    assert registry.live(USER_MODEL) == two


def test_kinds_have_a_live_version_each():
    promoted("one")
    promoted("codes", kind="semantic_ids")
    assert set(states().values()) == {State.LIVE}


def test_the_database_allows_one_live_version_of_a_kind():
    promoted("one")
    two = candidate("two")
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=two.pk).update(state=State.LIVE, promoted_at=AS_OF)


def test_what_is_promoted_is_a_candidate_or_retired():
    live = promoted("one")
    with pytest.raises(CannotPromote, match="live already"):
        registry.promote(version=live)
    refused = registry.refuse(version=candidate("bad"), reasons=["It is bad."])
    with pytest.raises(CannotPromote, match=r"was refused\. It is bad\."):
        registry.promote(version=refused)
    raw = registry.create_version(kind=USER_MODEL, as_of=AS_OF, config={}, name="raw")
    with pytest.raises(CannotPromote, match="no artifact"):
        registry.promote(version=raw)
    assert registry.live(USER_MODEL) == live


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "other", "gone"])
def test_a_folder_that_is_not_as_it_was_written_is_refused(damage):
    live, version = promoted("one"), candidate("two")
    place = registry.folder(version)
    if damage == "changed":
        tensors = place / "tensors.safetensors"
        data = bytearray(tensors.read_bytes())
        data[-1] ^= 1
        tensors.write_bytes(data)
    elif damage == "removed":
        (place / "item_ids.json").unlink()
    elif damage == "added":
        (place / "more.json").write_text("{}")
    elif damage == "other":
        # A whole folder, but not the one that was recorded.
        other = registry.folder(candidate("three", metrics={"ndcg@10": 0.9}))
        place.rename(place.with_name("aside"))
        other.rename(place)
    else:
        place.rename(place.with_name("aside"))
    with pytest.raises(CannotPromote, match="cannot be used"):
        registry.promote(version=version)
    with pytest.raises(UnusableVersion):
        registry.load(version)
    assert registry.live(USER_MODEL) == live
    version.refresh_from_db()
    assert version.state == State.CANDIDATE


def test_a_candidate_compared_with_another_live_version_is_not_promoted():
    one = promoted("one")
    two = candidate("two")
    promoted("three")
    with pytest.raises(CannotPromote, match="no longer live"):
        registry.promote(version=two, instead_of=one)
    assert states()["three"] == State.LIVE


def test_a_roll_back_goes_one_version_back_each_time():
    for name in ("one", "two", "three"):
        promoted(name)
    assert registry.roll_back(kind=USER_MODEL).name == "two"
    assert states() == {"one": State.RETIRED, "two": State.LIVE, "three": State.RETIRED}
    assert registry.roll_back(kind=USER_MODEL).name == "one"
    with pytest.raises(CannotRollBack):
        registry.roll_back(kind=USER_MODEL)
    three = ModelVersion.objects.get(name="three")
    assert registry.promote(version=three).is_live
    assert registry.roll_back(kind=USER_MODEL).name == "one"


def test_there_is_no_roll_back_without_a_whole_version_to_go_to():
    with pytest.raises(CannotRollBack, match="No version"):
        registry.roll_back(kind=USER_MODEL)
    one, two = promoted("one"), promoted("two")
    (registry.folder(one) / "config.json").write_text("{}")
    with pytest.raises(CannotRollBack, match="cannot be used"):
        registry.roll_back(kind=USER_MODEL)
    assert registry.live(USER_MODEL) == two


def test_what_is_live_or_was_cannot_be_refused():
    with pytest.raises(CannotPromote):
        registry.refuse(version=promoted("one"), reasons=["late"])


def at_once(*calls):
    """Run these in a thread each, started together; what each returned or raised."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place, call):
        try:
            barrier.wait(10)
            results[place] = call()
        except (CannotPromote, CannotRollBack) as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_promotions_at_the_same_moment_one_is_live_in_the_end():
    one = promoted("one")
    rivals = [candidate(f"rival-{n}") for n in range(4)]
    at_once(*[lambda rival=rival: registry.promote(version=rival) for rival in rivals])
    assert sorted(states().values()) == sorted([State.LIVE, *[State.RETIRED] * 4])
    one.refresh_from_db()
    assert one.state == State.RETIRED


@pytest.mark.django_db(transaction=True)
def test_of_candidates_compared_with_the_same_live_version_one_gets_its_place():
    one = promoted("one")
    rivals = [candidate(f"rival-{n}") for n in range(3)]
    results = at_once(
        *[lambda rival=rival: registry.promote(version=rival, instead_of=one) for rival in rivals]
    )
    assert sum(isinstance(result, CannotPromote) for result in results) == 2
    assert sorted(states().values()) == sorted(
        [State.LIVE, State.RETIRED, State.CANDIDATE, State.CANDIDATE]
    )


@pytest.mark.django_db(transaction=True)
def test_two_roll_backs_at_the_same_moment_never_leave_two_versions_live():
    for name in ("one", "two", "three"):
        promoted(name)
    results = at_once(*[lambda: registry.roll_back(kind=USER_MODEL)] * 2)
    assert list(states().values()).count(State.LIVE) == 1
    assert sum(isinstance(result, ModelVersion) for result in results) >= 1


@pytest.mark.django_db(transaction=True)
def test_a_process_sees_another_version_within_a_second(monkeypatch):
    one = promoted("one")
    assert registry.live(USER_MODEL) == one
    two = candidate("two")
    # As another process would do it: this one's memory is not told.
    monkeypatch.setattr(registry, "forget_live", lambda: None)
    registry.promote(version=two)
    assert registry.live(USER_MODEL) == one
    monkeypatch.setattr(registry, "LIVE_SECONDS", 0.0)
    assert registry.live(USER_MODEL) == two
