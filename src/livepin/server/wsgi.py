"""The WSGI application that granian serves."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "livepin.server.settings")

from django.core.wsgi import get_wsgi_application  # after its settings are named

from livepin.server import logs
from livepin.server.bodies import Bodies
from livepin.server.config import PREFIX
from livepin.server.settings import CONFIG, DATA_UPLOAD_MAX_MEMORY_SIZE

logs.configure(CONFIG, "http")
application = Bodies(get_wsgi_application(), CONFIG.threads, DATA_UPLOAD_MAX_MEMORY_SIZE)
# Granian copies the environment into what describes every request: the operator's secrets have no place there.
for _name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[_name]
