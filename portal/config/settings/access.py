"""Who people are and how their passwords are kept."""

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.backends.LocalAccounts"]
LOGIN_URL = "accounts:sign_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
DENIAL_RECORDER = "portal.audit.services.record_denial"
# What a typed scope means, by kind: `(slug) -> (id, label) | None` of the room that owns it.
SCOPE_FINDERS = {
    "cluster": "clusters.registry.selectors.scope_named",
    "team": "clusters.projects.selectors.team_scope",
    "project": "clusters.projects.selectors.project_scope",
}
