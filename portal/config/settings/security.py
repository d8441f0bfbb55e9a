"""Keys, hosts, cookies and headers."""

from csp.constants import NONE, SELF

from portal.config import env

HTTPS = env.flag("PADDOCK_HTTPS")
SECRET_KEY = env.text("PADDOCK_SECRET_KEY")
# Sign nothing, and still open what they signed, until they are taken out.
SECRET_KEY_FALLBACKS = env.words("PADDOCK_SECRET_KEY_FALLBACKS")
SEAL_KEYS = env.text("PADDOCK_SEAL_KEYS")
ALLOWED_HOSTS = env.words("PADDOCK_ALLOWED_HOSTS")
TRUSTED_PROXIES = env.number("PADDOCK_TRUSTED_PROXIES")
TRUSTED_NETWORKS = env.text("PADDOCK_TRUSTED_NETWORKS")
SECURITY_CONTACT = env.text("PADDOCK_SECURITY_CONTACT")
# Two portals on one machine (two checkouts, two ports) must not end each other's sessions.
SESSION_COOKIE_NAME = "__Host-paddock" if HTTPS else f"paddock-{env.text('PORT')}"
# With the prefix no neighbouring host name can set it, which the comparison with the form's token rests on.
CSRF_COOKIE_NAME = "__Host-paddock-form" if HTTPS else f"paddock-form-{env.text('PORT')}"

# Without TLS, which only this machine may use, four demands of `check --deploy` cannot be met: HSTS, the redirect, and
# Secure on both cookies. Everything else it asks for holds there, too.
SILENCED_SYSTEM_CHECKS = [] if HTTPS else ["security.W004", "security.W008", "security.W011", "security.W016"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXIES else None

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Tabler's style sheet holds its small pictures as data
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp-report/"],
    }
}
