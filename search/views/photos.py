"""The catalog's own photographs, from the one folder that is configured for them."""

import mimetypes

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from recs.images import PREFIX, image_file

TYPES = ("image/jpeg", "image/png", "image/webp")
A_DAY = "public, max-age=86400"


@require_safe
def photo(request: HttpRequest, name: str) -> HttpResponseBase:
    """A JPEG, PNG or WebP file; nothing else that lies in the folder is shown."""
    path = image_file(f"{PREFIX}{name}")
    kind, _ = mimetypes.guess_type(path.name) if path else (None, None)
    if path is None or kind not in TYPES:
        raise Http404
    headers = {"Cache-Control": A_DAY, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path.open("rb"), content_type=kind, headers=headers)
