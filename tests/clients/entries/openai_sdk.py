"""The SDK of OpenAI."""

from __future__ import annotations

import ssl

import openai

from tests.clients.client import SECRET, TIMEOUT, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with openai.OpenAI(
        api_key=SECRET.decode(),
        base_url=f"https://{target.host}:{target.port}/v1",
        timeout=TIMEOUT,
        http_client=openai.DefaultHttpxClient(verify=context or True),
    ) as client:
        return client.models.with_raw_response.list().text.encode()


CLIENT = Client(
    "openai",
    visit,
    explicit="http_client=openai.DefaultHttpxClient(verify=context…)",
    error="openai.APIConnectionError",
    tries=3,
    note="it tries again, as it does for any bad certificate; `max_retries=0` ends that.",
    slow=True,
)
