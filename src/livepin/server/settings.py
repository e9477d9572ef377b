"""Django's settings, all of them made from the operator's `Config`; nothing else is read here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from livepin.server import config as operator
from livepin.server import keyring

CONFIG = operator.load(os.environ)
PACKAGE = Path(__file__).parent


def _database(config: operator.Config) -> dict[str, Any]:
    if not config.on_postgres:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": config.database_file,
            # A transaction takes the write lock when it begins: none finds at its end that it must be repeated.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
            },
        }
    parts = urlsplit(config.database_url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A socket's folder stands in the query: postgresql://user@/name?host=/run/postgresql
        "HOST": query.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
    }


def _single_sign_on(config: operator.Config) -> list[dict[str, Any]]:
    """The operator's OpenID Connect provider, where there is one."""
    if not config.oidc_url:
        return []
    return [
        {
            "provider_id": "sso",
            "name": config.oidc_name or "single sign-on",
            "client_id": config.oidc_client_id,
            "secret": config.oidc_client_secret,
            # A code that somebody took on its way is worth nothing without the half that stays in the session.
            "settings": {"server_url": config.oidc_url, "oauth_pkce_enabled": True},
        }
    ]


def _mail(config: operator.Config) -> dict[str, Any]:
    """Where mail goes: to an SMTP server, or into files in the data folder where none is named."""
    if not config.mail_url:
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": config.data / "mail"}
    parts = urlsplit(config.mail_url)
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 20,
    }


DATABASES = {"default": _database(CONFIG)}
SECRET_KEY = keyring.secret_key(CONFIG) or "of no use: the first start makes a real one"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "livepin.Account"
ROOT_URLCONF = "livepin.server.urls"
WSGI_APPLICATION = "livepin.server.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "livepin.server.apps.ServerConfig",
]
if CONFIG.on_postgres:
    # Its migrations are the schema of the jobs; our tasks are registered by jobs/workers.py.
    INSTALLED_APPS.append("procrastinate.contrib.django")
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
MIDDLEWARE = [
    "livepin.server.requests.Requests",
    "livepin.server.api.problems.Problems",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "livepin.server.web.sessions.SessionLife",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "livepin.server.web.proof.ProviderProof",
    "livepin.server.web.policy.ContentPolicy",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["livepin.server.web.words"],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [PACKAGE / "web" / "static"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
# A draft of 10,000 hosts with their pins and notes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
ALLOWED_HOSTS = [urlsplit(CONFIG.public_url).hostname] if CONFIG.public_url.startswith("https:") else LOOPBACK
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
if CONFIG.public_url.startswith("https:"):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # No other host of the same domain can set cookies of these names, and no page comes without TLS any more.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS = 365 * 24 * 3600, True
LOGGING_CONFIG = None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_SERIALIZER = "livepin.server.web.sealed_sessions.SealedSerializer"

# ---------------------------------------------------------------- accounts

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "livepin.server.web.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "livepin.server.web.sign_up.SignUp"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Livepin] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if CONFIG.public_url.startswith("https:") else "http"
#: How long a proof of who one is counts for publishing, keys and deletions, in seconds.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# Also for another address: who holds somebody's browser for a minute would have the password sent there.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_ADAPTER = "livepin.server.web.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Livepin"
# Browsers offer passkeys on https and on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not CONFIG.public_url.startswith("https:")
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_ADAPTER = "livepin.server.web.sso.SingleSignOn"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": _single_sign_on(CONFIG)}}

# Attempts to sign in and used one-time passwords are remembered here, in one table for all processes.
CACHES = {"default": {"BACKEND": "livepin.server.actions.marks.Marks"}}

# ---------------------------------------------------------------- mail

EMAIL_SUBJECT_PREFIX = "[Livepin] "
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.mail_from
globals().update(_mail(CONFIG))
