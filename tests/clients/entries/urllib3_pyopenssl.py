"""urllib3 with pyOpenSSL injected into it, as old applications do, and requests with it."""

from __future__ import annotations

import os
import ssl
import warnings

import urllib3
from urllib3.contrib import pyopenssl

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pyopenssl.inject_into_urllib3()
    try:
        # It does not load the authorities of the system by itself; requests names a file as well.
        with urllib3.PoolManager(timeout=TIMEOUT, ca_certs=os.environ["SSL_CERT_FILE"]) as pool:
            return pool.request("POST", target.url, body=SECRET).data
    finally:
        pyopenssl.extract_from_urllib3()


CLIENT = Client(
    "urllib3.contrib.pyopenssl",
    visit,
    error="urllib3.exceptions.MaxRetryError",
    tries=4,
)
