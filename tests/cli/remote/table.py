"""What every command does where a project on a server is meant, in a folder without files.

A command that is not in one of these tables fails tests/cli/test_commands.py: whoever adds one decides.
"""

from __future__ import annotations

DENIED = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="

#: It works on the server's project: a good call, and its exit status where it is not 0. In this order.
WORKS: dict[str, tuple[list[str], int]] = {
    "host list": (["host", "list"], 0),
    "host set": (["host", "set", "www.example.com", "--action", "off"], 0),
    "pin list": (["pin", "list"], 0),
    "pin add": (["pin", "add", "www.example.com", "--digest", DENIED], 0),
    "pin remove": (["pin", "remove", "www.example.com", DENIED], 0),
    "host remove": (["host", "remove", "www.example.com"], 0),
    "deny add": (["deny", "add", DENIED], 0),
    "deny list": (["deny", "list"], 0),
    "deny remove": (["deny", "remove", DENIED], 0),
    "check": (["check"], 0),
    "diff": (["diff"], 0),
    "publish": (["publish"], 0),
    "rollback": (["rollback", "1"], 0),
    "show": (["show"], 0),
    "timeline": (["timeline"], 0),
    "freshness show": (["freshness", "show"], 0),
    "verify": (["verify", "$URL"], 0),
    "embed": (["embed", "--seed", "seed.jws"], 0),
    # From this machine; with --project it is the server that looks.
    "look": (["look", "$PLACE", "--project", "$PROJECT"], 0),
    "ct check": (["ct", "check", "api.example.com", "--address", "$PLACE", "--ca", "$CA"], 1),
    # Nothing waits for a signature that a server makes itself, and there is nothing to export.
    "sign": (["sign", "--export", "there.input"], 0),
    "organization list": (["organization", "list"], 0),
    "member list": (["member", "list"], 0),
    "member role": (["member", "role", "$EMAIL", "owner"], 0),
    "invitation new": (["invitation", "new", "new@example.com", "--role", "viewer"], 0),
    "invitation list": (["invitation", "list"], 0),
    "invitation withdraw": (["invitation", "withdraw", "new@example.com"], 0),
    "token new": (["token", "new", "--name", "nightly build", "--scope", "read", "--project", "$PROJECT"], 0),
    "token list": (["token", "list"], 0),
    "project list": (["project", "list"], 0),
    "project show": (["project", "show"], 0),
    "project new": (["project", "new", "$PROJECT-second"], 0),
    "profile list": (["profile", "list"], 0),
    "profile use": (["profile", "use", "default"], 0),
    "publishes list": (["publishes", "list"], 0),
    "pull": (["pull", "-C", "pulled"], 0),
    "push": (["push", "-C", "pulled"], 0),
    "adopt": (["adopt"], 0),
    "login": (["login", "--token-file", "../token"], 0),
    "decommission": (["decommission", "--reason", "the shop closed", "--yes"], 0),
    "withdraw": (["withdraw", "--reason", "the shop closed", "--yes"], 0),
    "logout": (["logout"], 0),
}

#: It works on files alone, and says so: a call, the code, and the exit status.
REFUSED: dict[str, tuple[list[str], str, int]] = {
    "signer test": (["signer", "test"], "project_missing", 3),
    "keyset new": (["keyset", "new"], "project_missing", 3),
    "keyset rotate": (["keyset", "rotate", "--anchor", "a.pem"], "project_missing", 3),
    "keyset revoke": (["keyset", "revoke", "signing", "--anchor", "a.pem"], "project_missing", 3),
    "keyset countersign": (["keyset", "countersign", "--anchor", "a.pem"], "project_missing", 3),
    # An anchor signs its documents itself.
    "keyset show": (["keyset", "show"], "keyset_missing", 3),
    "anchor add": (["anchor", "add", "signing.pub.pem"], "project_missing", 3),
    "anchor remove": (["anchor", "remove", "signing.pub.pem"], "project_missing", 3),
    "anchor threshold": (["anchor", "threshold", "1"], "project_missing", 3),
    "freshness publish": (["freshness", "publish"], "project_missing", 3),
    "ct logs retire": (["ct", "logs", "retire", "one"], "ct_logs_missing", 3),
    "ct logs review": (["ct", "logs", "review", "--yes"], "ct_logs_missing", 3),
    "ct logs list": (["ct", "logs", "list"], "ct_logs_missing", 3),
}

#: It is about something in a certain state: test_publishes.py, test_members.py and test_tokens.py bring one there.
STATES = {"publishes approve", "publishes retry", "publishes cancel", "member remove", "token revoke"}

#: It is about no project, or begins one of files: it works here as anywhere (tests/cli/test_commands.py).
HERE = {
    "init",
    "recover",
    "keys new",
    "keys add",
    "keys list",
    "keys sign-input",
    "anchor new",
    "anchor restore",
    "ct logs import",
    "ct logs compare",
    "ct logs add",
    "doctor",
    "drill",
    "audit verify",
    "conform",
    "serve",
}
#: About an installation, for who has a shell on its machine: everything below `livepin server`.
OPERATORS = "server "
