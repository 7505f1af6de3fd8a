"""What an answer of search says of the editors' rules."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from search.models import Rule
from search.types import Retrieved


class AppliedRuleOutput(serializers.Serializer[Any]):
    """A rule of the editors' that the answer follows."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    action = serializers.ChoiceField(choices=Rule.Action.values)


class BannerOutput(serializers.Serializer[Any]):
    """What the editors say above the hits."""

    text = serializers.CharField(help_text="Plain text: escape it.")
    url = serializers.CharField(allow_null=True, help_text="A path on this site.")


def rules_json(found: Retrieved) -> dict[str, Any]:
    """The part of SearchOutput that tells of rules."""
    banner = found.banner
    return {
        "rules": [asdict(each) for each in found.rules],
        "redirect": found.redirect,
        "banner": {"text": banner.text, "url": banner.url or None} if banner else None,
    }
