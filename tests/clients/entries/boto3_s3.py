"""boto3. It takes no context of the application's."""

from __future__ import annotations

import ssl

import boto3

from tests.clients.client import SECRET, Client, Target


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    session = boto3.session.Session("access-key-id", "secret-access-key", region_name="eu-central-1")
    client = session.client("s3", endpoint_url=f"https://{target.host}:{target.port}")
    try:
        return bytes(client.get_object(Bucket="orders", Key=SECRET.decode())["Body"].read())
    finally:
        client.close()


CLIENT = Client(
    "boto3",
    visit,
    error="botocore.exceptions.SSLError",
    tries=3,
    note='it tries again, as it does for any bad certificate; `Config(retries={"total_max_attempts": 1})` ends that.',
    slow=True,
)
