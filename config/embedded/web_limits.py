"""Gunicorn's settings that its command line cannot say.

It cuts addresses at 8 KB with a page of its own: 500 characters of another script, sent
percent-encoded beside a few filters, are longer. Up to this many bytes are read, and those that
are too many get the site's own answer, which names the parameter (HostileInputMiddleware).
"""

from gunicorn.http import message

limit_request_line = 131_072
message.MAX_REQUEST_LINE = limit_request_line
