"""Seeds of one-time passwords and recovery codes, which lay open until now, are sealed under the master key.

What the rows said before is given up by the database as after a purge (actions/deletions.py); backups made before hold
it until they end (docs/data.md).
"""

from typing import Any

from django.db import migrations, transaction

from livepin.server import keyring, sealed_text
from livepin.server.settings import CONFIG

PURPOSE, SECRETS = "second factor", ("secret", "seed", "migrated_codes")


def seal(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    factors = apps.get_model("mfa", "Authenticator").objects.using(connection.alias)
    sealed = 0
    with transaction.atomic(using=connection.alias):
        for factor in factors.filter(type__in=("totp", "recovery_codes")).select_for_update():
            for name in SECRETS:
                value = factor.data.get(name)
                if value:
                    factor.data[name] = [_seal(one) for one in value] if isinstance(value, list) else _seal(value)
            factor.save(update_fields=["data"])
            sealed += 1
    if sealed and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "VACUUM")


def _seal(text: str) -> str:
    # Interrupted between its end and its being noted, this migration comes again.
    if text.startswith("livepin-text."):
        return text
    return sealed_text.seal(text, PURPOSE, keyring.masters(CONFIG)[0])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("livepin", "0009_marks"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [migrations.RunPython(seal, elidable=True)]
