"""Pages for people who use the API: the OpenAPI page, and what each error means."""

import re
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

ERRORS_FILE = settings.BASE_DIR / "docs" / "errors.md"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Errors of the API</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;
margin:2rem auto;padding:0 1rem}:target{background:Mark;color:MarkText}</style>
<main>{{ body }}</main></html>"""


@require_safe
def errors_page(request: HttpRequest) -> HttpResponse:
    """docs/errors.md; each code is an anchor, as a problem's `type` says."""
    page = Engine().from_string(PAGE).render(Context({"body": _errors_html()}))
    return HttpResponse(page)


@cache
def _errors_html() -> SafeString:
    """The file's headings and paragraphs: it uses no more of Markdown than these and `code`."""
    parts = []
    for block in ERRORS_FILE.read_text(encoding="utf-8").split("\n\n"):
        line = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(block.split())))
        if line.startswith("## "):
            parts.append(f'<h2 id="{line[3:]}">{line[3:]}</h2>')
        elif line.startswith("# "):
            parts.append(f"<h1>{line[2:]}</h1>")
        elif line:
            parts.append(f"<p>{line}</p>")
    return mark_safe("\n".join(parts))  # noqa: S308  escaped above, and the file is ours
