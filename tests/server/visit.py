"""Somebody's browser, as far as HTTP goes: cookies, redirections, forms with their hidden token."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request


class Visit:
    """Somebody's browser: it keeps cookies, follows redirections, and sends a page's form with its hidden token."""

    def __init__(self, port: int) -> None:
        self.address = f"http://localhost:{port}"
        self.jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def open(self, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Where one ends, and what is written there."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        headers = {"Referer": self.address + path}
        with self.opener.open(urllib.request.Request(self.address + path, data, headers), timeout=20) as answer:
            return urllib.parse.urlsplit(answer.url).path, answer.read().decode()

    def send(self, path: str, **form: str) -> tuple[str, str]:
        """Fill in the form of a page."""
        _, text = self.open(path)
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
        assert hidden is not None, text
        return self.open(path, {**form, "csrfmiddlewaretoken": hidden[1]})
