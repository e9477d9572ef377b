"""Somebody in front of a browser."""

from __future__ import annotations

from dataclasses import dataclass

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (360, 768, 1280)
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A tab, and what people do in it."""

    page: Page
    address: str

    def goes_to(self, path: str) -> None:
        """Open a page of the dashboard."""
        self.page.goto(self.address + path)

    def signs_in(self, name: str) -> None:
        """Sign in as one of the cast, by password."""
        self.goes_to("/account/login/")
        self.page.get_by_label("Email").fill(f"{name}@example.com")
        self.page.get_by_label("Password").fill(f"{name}'s password")
        self.page.get_by_role("button", name="Sign In", exact=True).click()
        self.page.wait_for_url(self.address + "/")

    def proves(self, name: str) -> None:
        """Answer the question for the password, if it is asked."""
        if "reauthenticate" in self.page.url:
            self.page.get_by_label("Password").fill(f"{name}'s password")
            self.page.get_by_role("button", name="Confirm").click()

    def clicks(self, name: str) -> None:
        """Click a button of the page itself."""
        self.page.locator("main").get_by_role("button", name=name).click()

    def fills(self, **fields: str) -> None:
        """Fill in fields by the beginning of their labels."""
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " ")).fill(value)

    def sees(self, text: str) -> bool:
        """Whether a text is on the page."""
        return text in self.page.locator("body").inner_text()

    def violations(self) -> list[str]:
        """What axe finds wrong with the page, in both themes."""
        found = []
        for theme in THEMES:
            self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            for one in Axe().run(self.page).response["violations"]:
                targets = [node["target"] for node in one["nodes"]][:3]
                found.append(f"{theme} {self.page.url}: {one['id']}: {one['help']} {targets}")
        return found

    def overflows(self) -> list[int]:
        """The widths at which the page must be scrolled sideways."""
        wide = []
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wide.append(width)
        return wide
