"""Django settings: deployment facts only, read from the environment through config/env.py."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import unfold
from config.env import BASE_DIR, env, home, read_services

services = read_services()

# --- paths -----------------------------------------------------------------------------------
FORAY_HOME = home()
FORAY_EMBEDDED = services.embedded
STATIC_ROOT = BASE_DIR / "staticfiles"

# --- security --------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Commands that never touch data may run before a deployment exists (linting, schema export).
OFFLINE_COMMANDS = {"check", "makemigrations", "collectstatic", "spectacular", "help", "test"}
_offline = (len(sys.argv) > 1 and sys.argv[1] in OFFLINE_COMMANDS) or "mypy" in sys.argv[0]
SECRET_KEY = services.secret_key or ("offline-command-" + "0" * 50 if _offline else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "Nothing is running here and SECRET_KEY is not set. Start the embedded services with "
        "`make run`, or run one command with them: `.venv/bin/python -m config.embedded exec -- "
        "COMMAND`, or set SECRET_KEY, DATABASE_URL and BROKER_URL."
    )
# Whoever binds the embedded server to another address means to reach it there.
_loopback = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
_bound = env.str("FORAY_HOST", default="127.0.0.1")
_any_address = _bound in ("0.0.0.0", "::")  # noqa: S104  read here, bound by whoever set it
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if _any_address else [*_loopback, _bound])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Behind TLS (every deployment that is not the embedded one on loopback) set HTTPS=1.
HTTPS = env.bool("HTTPS", default=not services.embedded)
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31536000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "search.views.errors.forbidden_form"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    # The admin's scripts (Alpine) evaluate expressions; it is for staff only.
    "EXCLUDE_URL_PREFIXES": ("/admin/", "/api/v1/docs"),
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *env.list("IMAGE_HOSTS", default=[])],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
# A body of 50 MB is refused before it is read; one bulk request carries at most 5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "pages:sign-in"
LOGIN_REDIRECT_URL = "pages:home"
LOGOUT_REDIRECT_URL = "pages:home"

# --- apps ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "django_prometheus",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "catalog",
    "recs",
    "search",
    "workers",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.UnavailableMiddleware",
    "config.middleware.HostileInputMiddleware",
    "config.middleware.CatalogMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

# --- database --------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": env.db_url_config(services.database_url or "postgres://foray@127.0.0.1:1/foray")
}
DATABASES["default"].update(
    ENGINE="config.database",
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=12),
            "timeout": 5,
        },
        "connect_timeout": 5,
        # Iterative scans keep a filtered nearest-neighbour query from silently returning too few.
        "options": "-c hnsw.iterative_scan=relaxed_order -c statement_timeout=30000",
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache -----------------------------------------------------------------------------------
CACHES = {
    "default": (
        {
            "BACKEND": "config.cache.ForgivingRedisCache",
            "LOCATION": services.cache_url,
            "KEY_PREFIX": "foray",
            "KEY_FUNCTION": "catalog.scope.cache_key",
            "OPTIONS": {
                "serializer": "config.cache.JsonSerializer",
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
            },
        }
        if services.cache_url
        else {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "KEY_FUNCTION": "catalog.scope.cache_key",
        }
    )
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = int(timedelta(days=180).total_seconds())

# --- Celery ----------------------------------------------------------------------------------
CELERY_BROKER_URL = services.broker_url or "memory://"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task cut off from the broker is handed out again: let the first copy go.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 3300
# Longer than the longest task may run, or a running task would be handed out a second time.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
# A web request never waits for a broker that is down: the sweep in the schedule finds the work.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
# Loading the text encoder takes seconds: a pool process may take that long to come up.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 120.0
WORKER_WARM_UP = env.bool("WORKER_WARM_UP", default=True)
CELERY_TASK_ROUTES = {
    "llm.*": {"queue": "training"},
    "recs.train_*": {"queue": "training"},
    "recs.retrain": {"queue": "training"},
    "recs.go_on_training": {"queue": "training"},
    "search.build_*": {"queue": "training"},
    "search.train_*": {"queue": "training"},
    "search.check_*": {"queue": "training"},
}

# --- templates and static files --------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "search.views.context.site",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env.bool("STATIC_MANIFEST", default=not DEBUG)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "Y-m-d H:i"

# --- logging ---------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# --- admin -----------------------------------------------------------------------------------
UNFOLD = unfold.UNFOLD

# --- metrics ---------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- API -------------------------------------------------------------------------------------
# Reading needs no key in the embedded mode; a public deployment decides for itself.
API_PUBLIC_READ = env.bool("API_PUBLIC_READ", default=services.embedded)
API_ANONYMOUS_RATE_PER_MINUTE = env.int("API_ANONYMOUS_RATE_PER_MINUTE", default=1200)
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["catalog.api.parsers.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["catalog.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["catalog.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["catalog.api.throttling.KeyRateThrottle"],
    "DEFAULT_SCHEMA_CLASS": "catalog.api.schema.ScopedSchema",
    "EXCEPTION_HANDLER": "catalog.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Foray",
    "DESCRIPTION": "Search, query recommendations and recommendations over your catalog.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "EventKindEnum": "catalog.api.serializers.EVENT_KINDS",
        "LabelKindEnum": "catalog.models.labels.Label.Kind",
        "LabelSourceEnum": "catalog.models.labels.Label.Source",
        "JobStateEnum": "catalog.models.jobs.Job.State",
        "ModelKindEnum": "recs.models.ModelVersion.Kind",
        "ModelStateEnum": "recs.models.ModelVersion.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "catalog.api.schema.refine",
    ],
}

# --- catalog ---------------------------------------------------------------------------------
# How long the log of answers is kept, and how long a repeated event_id is recognised.
CATALOG_ANSWER_DAYS = env.int("CATALOG_ANSWER_DAYS", default=400)
CATALOG_EVENT_KEY_DAYS = env.int("CATALOG_EVENT_KEY_DAYS", default=90)
# How many people judge each pair, how many open pairs of a kind the nightly draw keeps queued,
# which share of a judge's pairs has a known answer, and how long a pair stays with one judge.
CATALOG_JUDGES_PER_PAIR = env.int("CATALOG_JUDGES_PER_PAIR", default=2)
CATALOG_JUDGING_QUEUE = env.int("CATALOG_JUDGING_QUEUE", default=200)
CATALOG_CALIBRATION_SHARE = env.float("CATALOG_CALIBRATION_SHARE", default=0.1)
CATALOG_JUDGING_MINUTES = env.int("CATALOG_JUDGING_MINUTES", default=10)
if CATALOG_JUDGES_PER_PAIR < 1 or not 0 <= CATALOG_CALIBRATION_SHARE <= 0.5:
    raise ImproperlyConfigured(
        "CATALOG_JUDGES_PER_PAIR is at least 1, CATALOG_CALIBRATION_SHARE from 0 to 0.5."
    )
# Says of a logged query whether it may name or reach a person: then no judge is shown it.
CATALOG_QUERY_SCREEN = "search.personal_data.is_private"

# --- recs ------------------------------------------------------------------------------------
# Artifacts of trained versions, a folder for each kind; shared by the web and the workers.
RECS_ARTIFACT_DIR = Path(env.str("RECS_ARTIFACT_DIR", default=str(FORAY_HOME / "models")))
# Folder of the catalog's own photographs, which are served below /media/ and read by the encoder of
# images; none by default.
RECS_IMAGE_DIR = env.str("RECS_IMAGE_DIR", default="")
# The same for catalogs beside the main one: name=folder, with commas between.
RECS_IMAGE_DIRS = env.dict("RECS_IMAGE_DIRS", default={})
# Kinds of versions that are trained by an app above recs, which imports none of them.
RECS_STEPS_ABOVE = {
    "query_ranker": "search.query_ranker_steps.steps",
    "match_filter": "search.match_steps.steps",
}
# Share of the good matches that a match filter may cost, at the upper bound of its interval: what
# may cost more is not promoted, and no threshold that may is set.
MATCH_FILTER_MOST_GOOD_LOST = env.float("MATCH_FILTER_MOST_GOOD_LOST", default=0.02)
# Pairs of each kind that a language model grades in a day, where one is set.
MATCH_FILTER_PAIRS_A_DAY = env.int("MATCH_FILTER_PAIRS_A_DAY", default=200)
if not 0 < MATCH_FILTER_MOST_GOOD_LOST <= 0.2:
    raise ImproperlyConfigured("MATCH_FILTER_MOST_GOOD_LOST lies above 0 and is at most 0.2.")

# --- language models (only workers ask them) ---------------------------------------------------
# An endpoint that speaks as OpenAI's does, or a GGUF file; else the packaged model.
LLM_BASE_URL = env.str("LLM_BASE_URL", default="")
LLM_MODEL = env.str("LLM_MODEL", default="")
LLM_API_KEY = env.str("LLM_API_KEY", default="")
LLM_GGUF = env.str("LLM_GGUF", default="")
# Of a million tokens given and made, in the currency that the endpoint bills: 0.15/0.60.
LLM_PRICE = env.str("LLM_PRICE", default="")
LLM_CONCURRENCY = env.int("LLM_CONCURRENCY", default=4)
# Whether a model writes freely ("open") or chooses from an item's own words ("closed").
LLM_WRITES = env.str("LLM_WRITES", default="auto")

# --- search ----------------------------------------------------------------------------------
# A logged query is shown to others only when at least this many different people typed it.
SEARCH_MIN_PEOPLE_PER_QUERY = env.int("SEARCH_MIN_PEOPLE_PER_QUERY", default=3)
# Sources of query recommendations that are switched off, by name.
SEARCH_QUERY_SOURCES_OFF = env.list("SEARCH_QUERY_SOURCES_OFF", default=[])
# Which new queries are shown only after an editor approved them: none, log (what people searched)
# or all.
SEARCH_QUERY_APPROVAL = env.str("SEARCH_QUERY_APPROVAL", default="none")
if SEARCH_QUERY_APPROVAL not in ("none", "log", "all"):
    raise ImproperlyConfigured("SEARCH_QUERY_APPROVAL is one of none, log, all.")
