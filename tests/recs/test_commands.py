from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Job
from catalog.types import ItemInput
from recs.models import NeighbourVersion
from recs.versions import live_version
from tests.recs.conftest import make_items


def run(name, **options):
    out = StringIO()
    call_command(name, stdout=out, **options)
    return out.getvalue()


def test_encode_items_encodes_and_leaves_a_job(db):
    make_items([ItemInput(external_id="a", title="A film about the sea")])
    assert run("encode_items") == "1 items encoded.\n"
    assert run("encode_items") == "0 items encoded.\n"
    assert [job.state for job in Job.objects.filter(kind="recs.encode_items")] == ["done"]


def test_build_index_tells_its_recall(world):
    assert float(run("build_index").split("recall@10: ")[1]) >= 0.9
    assert live_version().index_built_at is not None


def test_build_neighbours_counts_events_before_a_date(world):
    assert run("build_neighbours", as_of="2025-05-10").startswith("0 events")
    assert run("build_neighbours").startswith("120 events")
    assert NeighbourVersion.objects.live().get().events == 120


@pytest.mark.parametrize("text", ["yesterday", "2025-13-40"])
def test_build_neighbours_refuses_what_is_no_date(db, text):
    with pytest.raises(CommandError, match="as-of"):
        run("build_neighbours", as_of=text)
