"""The admin's look and its sidebar. Names of functions are strings: this file imports no app."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


def _page(title: str, icon: str, name: str) -> dict[str, Any]:
    """A link of the sidebar for those who may see the model."""
    app, model = name.removesuffix("_changelist").rsplit("_", 1)
    permission = f"{app}.view_{model}"
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _tool(title: str, icon: str, name: str, permission: str) -> dict[str, Any]:
    """A link for those who have a permission of the catalog."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: request.user.has_perm(f"catalog.{permission}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Foray",
    "SITE_HEADER": "Foray",
    "SITE_SUBHEADER": "catalog.admin_base.subheader",
    "SITE_SYMBOL": "explore",
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "4px",
    "DASHBOARD_CALLBACK": "search.admin.first_page",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("img/mark.svg"),
        }
    ],
    "STYLES": [lambda request: static("css/admin.css")],
    # Ink on paper, and the accent of the pages (static/css/foray.css).
    "COLORS": {
        "base": {
            "50": "#f8f7f3",
            "100": "oklch(95.4% .008 85)",
            "200": "oklch(90.5% .011 85)",
            "300": "oklch(83.5% .013 85)",
            "400": "oklch(71.5% .014 80)",
            "500": "oklch(52% .014 75)",
            "600": "oklch(42% .013 70)",
            "700": "oklch(34% .012 70)",
            "800": "oklch(26.5% .01 70)",
            "900": "oklch(20% .008 70)",
            "950": "oklch(15% .007 70)",
        },
        "primary": {
            "50": "oklch(97.3% .014 357)",
            "100": "oklch(94% .032 357)",
            "200": "oklch(88.5% .062 357)",
            "300": "#f7a3c5",
            "400": "oklch(74% .145 358)",
            "500": "oklch(69% .165 358)",
            "600": "#9d1457",
            "700": "#86104a",
            "800": "#6d0d3c",
            "900": "#560c30",
            "950": "#36061d",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Today",
                "items": [
                    {
                        "title": "What to do",
                        "icon": "wb_sunny",
                        "link": reverse_lazy("admin:index"),
                    },
                    {
                        "title": "Analytics",
                        "icon": "monitoring",
                        "link": reverse_lazy("admin:search_analytics"),
                        "permission": lambda request: request.user.has_perm("catalog.view_answer"),
                    },
                    {
                        "title": "No results",
                        "icon": "search_off",
                        "link": reverse_lazy("admin:search_no_results"),
                        "permission": lambda request: request.user.has_perm("search.view_query"),
                    },
                    {
                        "title": "Replay",
                        "icon": "replay",
                        "link": reverse_lazy("admin:search_replay"),
                        "permission": lambda request: request.user.has_perm("catalog.view_answer"),
                    },
                ],
            },
            {
                "title": "Catalog",
                "items": [
                    _page("Items", "auto_stories", "catalog_item_changelist"),
                    _page("Collections", "collections_bookmark", "catalog_collection_changelist"),
                    _page("Profile", "tune", "catalog_profile_changelist"),
                ],
            },
            {
                "title": "People and events",
                "items": [
                    _page("People", "group", "catalog_person_changelist"),
                    _page("Events", "timeline", "catalog_event_changelist"),
                ],
            },
            {
                "title": "Search",
                "items": [
                    _page("Queries", "manage_search", "search_query_changelist"),
                    _page("Ban list", "block", "search_bannedpattern_changelist"),
                    _page("Synonyms", "sync_alt", "search_synonym_changelist"),
                    _page("Rules", "push_pin", "search_rule_changelist"),
                    _page("Search log", "receipt_long", "catalog_answer_changelist"),
                    _page("Words", "spellcheck", "search_term_changelist"),
                ],
            },
            {
                "title": "Judging",
                "items": [
                    _tool("Judge pairs", "gavel", "catalog_judge", "judge_pair"),
                    _tool("Adjudicate", "balance", "catalog_adjudicate", "adjudicate_pair"),
                    _tool("Agreement", "handshake", "catalog_agreement", "adjudicate_pair"),
                    _page("Pairs to judge", "playlist_add_check", "catalog_judgingpair_changelist"),
                    _page("Labels", "thumbs_up_down", "catalog_label_changelist"),
                ],
            },
            {
                "title": "Learning",
                "items": [
                    _page("Model versions", "deployed_code", "recs_modelversion_changelist"),
                    _page("Surfaces", "tune", "recs_surface_changelist"),
                    {
                        "title": "Match filter",
                        "icon": "filter_alt",
                        "link": reverse_lazy("admin:recs_match_filter"),
                        "permission": lambda r: r.user.has_perm("recs.view_modelversion"),
                    },
                    _page("Evaluation sets", "lock", "recs_frozenlabels_changelist"),
                    _page("Quality weights", "balance", "recs_qualityweights_changelist"),
                    _page("Training", "model_training", "recs_trainingrun_changelist"),
                    _page("Content vectors", "scatter_plot", "recs_contentversion_changelist"),
                    _page("Semantic IDs", "qr_code_2", "recs_itemcode_changelist"),
                    _page("Names of kinds", "sell", "recs_codename_changelist"),
                    _page("Neighbours", "hub", "recs_neighbourversion_changelist"),
                ],
            },
            {
                "title": "Language models",
                "items": [
                    _page("Proposals", "fact_check", "search_proposal_changelist"),
                    _page("Policies", "policy", "search_proposalpolicy_changelist"),
                    _page("Calls", "receipt", "workers_llmcall_changelist"),
                    _page("Limits", "speed", "workers_llmlimit_changelist"),
                ],
            },
            {
                "title": "Operations",
                "items": [
                    {
                        "title": "Catalogs",
                        "icon": "account_tree",
                        "link": reverse_lazy("admin:catalog_catalog_changelist"),
                        "permission": "catalog.admin.catalogs.may_keep",
                    },
                    _page("Jobs", "pending_actions", "catalog_job_changelist"),
                    _page("Schedule", "schedule", "django_celery_beat_periodictask_changelist"),
                    _page("API keys", "key", "catalog_apikey_changelist"),
                    _page("Accounts", "manage_accounts", "auth_user_changelist"),
                    _page("Groups", "groups", "auth_group_changelist"),
                ],
            },
        ],
    },
}


def _is_on(link: Any) -> Any:
    """Whether a page is the link's own, and not that of a longer link: one is marked, not two."""

    def is_on(request: Any) -> bool:
        links = [str(item["link"]) for group in _GROUPS for item in group["items"]]
        path, home = request.path, reverse("admin:index")
        under = [one for one in links if path == one or (one != home and path.startswith(one))]
        return str(link) == max(under, key=len, default="")

    return is_on


_GROUPS: list[dict[str, Any]] = UNFOLD["SIDEBAR"]["navigation"]
for _group in _GROUPS:
    for _item in _group["items"]:
        _item["active"] = _is_on(_item["link"])
