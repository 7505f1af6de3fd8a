"""WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# The Celery app must be configured in the web process too, so that work is sent to our broker.
import workers.celery  # noqa: E402, F401  settings have to be loaded first
