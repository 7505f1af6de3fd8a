"""Two editors who save the same rule in the same moment: one is stored, the other is told."""

import threading

import pytest
from django.db import connection

from catalog.errors import Conflict
from search.models import Rule
from search.rule_input import RuleInput
from search.rule_store import save_rule
from tests.search.films import load_films

pytestmark = pytest.mark.django_db(transaction=True)
BANNER = {"match": "is", "patterns": ["rope"], "action": "banner", "text": "Hello"}


def test_of_eight_saves_at_once_one_is_stored_and_seven_are_told():
    load_films()
    row = save_rule(stated=RuleInput.read({"name": "First", **BANNER}), by="boss")
    told, ready = {}, threading.Barrier(8)

    def save(name):
        stated = RuleInput.read({"name": name, **BANNER})
        try:
            ready.wait(timeout=20)
            save_rule(stated=stated, by=name, pk=row.pk, revision=1)
            told[name] = "stored"
        except Conflict as error:
            told[name] = error.detail
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(f"editor{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    stored = Rule.objects.get()
    assert [name for name, words in told.items() if words == "stored"] == [stored.updated_by]
    assert (stored.name, stored.revision) == (stored.updated_by, 2)
    refused = [words for words in told.values() if words != "stored"]
    assert len(refused) == 7
    assert all(words.startswith(f"{stored.updated_by} saved this rule on") for words in refused)
