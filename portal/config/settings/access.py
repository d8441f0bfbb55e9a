"""Who people are and how their passwords are kept."""

from portal.config import env

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.backends.LocalAccounts"]
LOGIN_URL = "accounts:sign_in"
CONFIRM_URL = "accounts:confirm"
SIGN_IN_FRESH_SECONDS = 600
SESSION_ENGINE = "portal.accounts.session_store"
# From the sign-in, and from the last sign of a person; polling is none.
SESSION_COOKIE_AGE = env.number("PADDOCK_SESSION_HOURS") * 3600
SESSION_IDLE_SECONDS = env.number("PADDOCK_SESSION_IDLE_MINUTES") * 60
REQUIRE_SECOND_FACTOR = env.flag("PADDOCK_REQUIRE_SECOND_FACTOR")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "display_name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.accounts.signing.password_rules.WithinLimits"},
    {"NAME": "portal.accounts.signing.password_rules.NotAnEarlierOne"},
]
DENIAL_RECORDER = "portal.audit.services.record_denial"
PERSON_AGAIN = "portal.accounts.selectors.again"
RIGHT_USE_RECORDER = "portal.accounts.bindings.uses.note"
# What a token leaves of its owner's rights, None once it opens nothing: `(id) -> Limits | None`.
TOKEN_LIMITS = "portal.tokens.selectors.limits_of"  # noqa: S105 - where to find a rule
# Live tokens of one person or robot.
TOKENS_PER_OWNER = env.number("PADDOCK_TOKENS_PER_OWNER")
# What its owners let everybody find who asks for access: `() -> [(slug, name)]`.
LISTED_THINGS = "clusters.projects.selectors.listed"
# What a thing lies in, by kind: `(id) -> id | None` of the room that owns it.
SCOPE_PARENTS = {"project": "clusters.projects.selectors.team_id_of"}
# What a typed scope means, by kind: `(slug) -> (id, label) | None` of the room that owns it.
SCOPE_FINDERS = {
    "cluster": "clusters.registry.selectors.scope_named",
    "team": "clusters.projects.selectors.team_scope",
    "project": "clusters.projects.selectors.project_scope",
}
# The projects that lie in teams now: `(ids) -> ids` of the room that owns them.
SCOPE_CHILDREN = {"team": "clusters.projects.selectors.project_ids_of"}
# What rights on projects and teams reach now, as ids: `(projects=, teams=) -> ids`.
SCOPE_REACH = "clusters.projects.selectors.reach"
# Name and members page of a scope, by kind: `(id) -> (label, address) | None`.
SCOPE_PAGES = {
    "cluster": "clusters.registry.selectors.scope_page",
    "team": "clusters.projects.selectors.team_page",
    "project": "clusters.projects.selectors.project_page",
}
# What rights on scopes reach: `(person, scopes, at)`, see `portal.accounts.bindings.impact`.
ROLE_IMPACT = {"estate": "clusters.projects.impact.touched", "money": "billing.ledger.impact.touched"}
# How many live tokens people have: `(ids, instant) -> int`, see `portal.accounts.outside.freezing`.
TOKEN_COUNTER = "portal.tokens.selectors.count_live"  # noqa: S105 - where to find a count
# The tokens of one person as tables show them, the newest first: `(person, instant) -> (rows, more)`.
TOKENS_OF_PERSON = "portal.tokens.shown.of_person"  # noqa: S105 - where to find rows
