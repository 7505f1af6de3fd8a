import pytest

from recs import versions
from recs.errors import NoLiveVersion
from recs.models import ContentVersion
from recs.versions import ensure_version, live_version, promote


@pytest.mark.django_db(transaction=True)
def test_the_live_version_is_read_once_a_second_and_a_new_one_is_seen_at_once(
    django_assert_num_queries, monkeypatch
):
    with pytest.raises(NoLiveVersion):
        live_version()
    first = ensure_version()
    second = ContentVersion.objects.create(encoder="other", revision="1", dimensions=384)
    assert live_version() == first
    with django_assert_num_queries(0):
        assert live_version() == first
    # Another process makes the change: this one sees it when its second is over.
    ContentVersion.objects.filter(pk=first.pk).update(is_live=False)
    ContentVersion.objects.filter(pk=second.pk).update(is_live=True)
    monkeypatch.setattr(versions, "LIVE_SECONDS", 0.0)
    assert live_version() == second
    monkeypatch.undo()
    promote(version=first)
    assert live_version() == first


def test_inside_a_transaction_nothing_is_remembered(db):
    ensure_version()
    live_version()
    ContentVersion.objects.all().delete()
    with pytest.raises(NoLiveVersion):
        live_version()
