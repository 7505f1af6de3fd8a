"""Rules for tests, stated as an editor would."""

from search.rule_input import RuleInput
from search.rule_store import save_rule, switch_rules


def rule(action, patterns=("hitchcock",), *, match="is", is_on=True, **stated):
    row = save_rule(
        stated=RuleInput.read(
            {"name": f"{action} it", "match": match, "patterns": patterns, "action": action}
            | stated
        ),
        by="boss",
    )
    if is_on:
        switch_rules(ids=[row.pk], is_on=True, by="boss")
        row.refresh_from_db()
    return row
