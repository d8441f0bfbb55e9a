"""Settings, split by integration. Read them through `django.conf.settings` only."""

from pathlib import Path

from portal.config import env
from portal.config.settings import access, api, clusters, database, jobs, logs, outbox, pages, providers, security

BASE_DIR = Path(__file__).resolve().parents[3]
DATA_DIR = env.data_dir()
ROOT_URLCONF = "portal.config.urls"
WSGI_APPLICATION = "portal.config.wsgi.application"
DEBUG = env.flag("PADDOCK_DEBUG")
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "portal.core",
    "portal.jobs",
    "portal.access",
    "portal.outbox",
    "portal.audit",
    "portal.accounts",
    "portal.tokens",
    "portal.explorer",
    "portal.requests",
    "clusters.registry",
    "clusters.inventory",
    "clusters.applying",
    "clusters.projects",
    "clusters.quotas",
    "clusters.manifests",
    "billing.metering",
    "billing.pricing",
    "billing.ledger",
    "portal.home",
]
MIDDLEWARE = [
    "portal.access.front.FrontDoor",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.access.middleware.PrivateAnswers",
    "csp.middleware.CSPMiddleware",
    "portal.accounts.middleware.RequestIdentity",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.access.front.SameOrigin",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.accounts.middleware.CurrentActor",
    "portal.explorer.middleware.ViewingAs",
    "portal.access.middleware.BodyLimit",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.accounts.middleware.OwnPassword",
    "portal.accounts.middleware.SecondFactor",
    "portal.access.middleware.Refusals",
]

BILLING_TIME_ZONE = env.time_zone("PADDOCK_BILLING_TIME_ZONE")
CURRENCY = env.checked(
    "PADDOCK_CURRENCY",
    lambda code: len(code) == 3 and code.isascii() and code.isupper(),
    "use an ISO 4217 code, such as EUR.",
)
COST_LABELS = env.words("PADDOCK_COST_LABELS")[:5]
ALLOW_LOOPBACK = env.flag("PADDOCK_ALLOW_LOOPBACK")

DATABASES = database.DATABASES
CACHES = database.CACHES
REDIS_URL = database.REDIS_URL
SESSION_ENGINE = access.SESSION_ENGINE

SECRET_KEY = security.SECRET_KEY
SECRET_KEY_FALLBACKS = security.SECRET_KEY_FALLBACKS
SEAL_KEYS = security.SEAL_KEYS
ALLOWED_HOSTS = security.ALLOWED_HOSTS
TRUSTED_PROXIES = security.TRUSTED_PROXIES
TRUSTED_NETWORKS = security.TRUSTED_NETWORKS
SECURITY_CONTACT = security.SECURITY_CONTACT
CONTENT_SECURITY_POLICY = security.CONTENT_SECURITY_POLICY
SILENCED_SYSTEM_CHECKS = security.SILENCED_SYSTEM_CHECKS
SECURE_HSTS_SECONDS = security.SECURE_HSTS_SECONDS
SECURE_HSTS_INCLUDE_SUBDOMAINS = security.SECURE_HSTS_INCLUDE_SUBDOMAINS
SECURE_HSTS_PRELOAD = security.SECURE_HSTS_PRELOAD
SECURE_SSL_REDIRECT = security.SECURE_SSL_REDIRECT
SECURE_PROXY_SSL_HEADER = security.SECURE_PROXY_SSL_HEADER
SECURE_REDIRECT_EXEMPT = security.SECURE_REDIRECT_EXEMPT
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = security.HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = access.SESSION_COOKIE_AGE
SESSION_IDLE_SECONDS = access.SESSION_IDLE_SECONDS
SESSION_COOKIE_NAME = security.SESSION_COOKIE_NAME
CSRF_COOKIE_SECURE = security.HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = security.CSRF_COOKIE_NAME
CSRF_COOKIE_AGE = None
# In a cookie of its own: a stranger who looks at the sign-in page leaves no session behind.
CSRF_USE_SESSIONS = False
CSRF_FAILURE_VIEW = "portal.access.views.csrf_failed"
X_FRAME_OPTIONS = "DENY"
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.core.error_reports.NoValues"

AUTH_USER_MODEL = access.AUTH_USER_MODEL
AUTHENTICATION_BACKENDS = access.AUTHENTICATION_BACKENDS
AUTH_PASSWORD_VALIDATORS = access.AUTH_PASSWORD_VALIDATORS
PASSWORD_HASHERS = access.PASSWORD_HASHERS
LOGIN_URL = access.LOGIN_URL
CONFIRM_URL = access.CONFIRM_URL
SIGN_IN_FRESH_SECONDS = access.SIGN_IN_FRESH_SECONDS
REQUIRE_SECOND_FACTOR = access.REQUIRE_SECOND_FACTOR
LOGIN_REDIRECT_URL = "/"
DENIAL_RECORDER = access.DENIAL_RECORDER
PERSON_AGAIN = access.PERSON_AGAIN
RIGHT_USE_RECORDER = access.RIGHT_USE_RECORDER
SCOPE_PARENTS = access.SCOPE_PARENTS
LISTED_THINGS = access.LISTED_THINGS
SCOPE_PAGES = access.SCOPE_PAGES
SCOPE_CHILDREN = access.SCOPE_CHILDREN
SCOPE_REACH = access.SCOPE_REACH
ROLE_IMPACT = access.ROLE_IMPACT
TOKEN_COUNTER = access.TOKEN_COUNTER
TOKENS_OF_PERSON = access.TOKENS_OF_PERSON
TOKEN_LIMITS = access.TOKEN_LIMITS
TOKENS_PER_OWNER = access.TOKENS_PER_OWNER
SCOPE_FINDERS = access.SCOPE_FINDERS

DESIRED_STATES = clusters.DESIRED_STATES
OUTCOME_HOOKS = clusters.OUTCOME_HOOKS
ACTION_CHECKS = clusters.ACTION_CHECKS
PROJECT_TABS = clusters.PROJECT_TABS
NAMESPACE_MONEY = clusters.NAMESPACE_MONEY
NAMESPACE_EFFECTS = clusters.NAMESPACE_EFFECTS
QUOTA_MONEY = clusters.QUOTA_MONEY
REQUEST_SOURCES = clusters.REQUEST_SOURCES

PROVIDERS = providers.PROVIDERS
OUTGOING_ALLOWED = providers.OUTGOING_ALLOWED
BASE_URL = providers.BASE_URL

OUTBOX_CA = outbox.OUTBOX_CA
OUTBOX_MAIL = outbox.OUTBOX_MAIL
OUTBOX_WEBHOOK = outbox.OUTBOX_WEBHOOK
OUTBOX_STREAM = outbox.OUTBOX_STREAM
OUTBOX_RECORDER = outbox.OUTBOX_RECORDER

JOB_KINDS = jobs.JOB_KINDS
JOB_AUTHORIZER = jobs.JOB_AUTHORIZER
JOB_SENDER = jobs.JOB_SENDER

TEMPLATES = pages.TEMPLATES
STATIC_URL = pages.STATIC_URL
STATICFILES_DIRS = pages.STATICFILES_DIRS
STATIC_ROOT = pages.STATIC_ROOT
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = pages.WHITENOISE_SKIP_COMPRESS_EXTENSIONS
STATICFILES_FINDERS = pages.STATICFILES_FINDERS
STORAGES = pages.STORAGES
FORM_RENDERER = pages.FORM_RENDERER
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # a 5 MB kubeconfig must reach its form to be refused by name
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api.SPECTACULAR_SETTINGS
LOGGING = logs.LOGGING
LOGGING_CONFIG = logs.LOGGING_CONFIG
