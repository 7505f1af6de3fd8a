"""WSGI entry point for gunicorn."""

import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# The Celery app must be configured in the web process too, so that work is sent to our broker.
import workers.celery  # noqa: E402, F401  settings have to be loaded first
from search.warm_up import warm_up  # noqa: E402

# The first visitor does not wait for the encoder's weights; nobody waits for this.
threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
