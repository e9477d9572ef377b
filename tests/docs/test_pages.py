"""The documentation as a reader meets it: the site is built, every link in it leads somewhere, its examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from livepin.core import strictjson

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: Pages beside the code, which link into the documentation as files.
FRONT = sorted(ROOT.glob("*.md"))

RUNNABLE = re.compile(r"^<!-- runnable -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- *runnable *-->")
JSON_BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@dataclass
class Built:
    """One HTML page: where its links go, and what can be linked to in it."""

    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Built()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.page.links += [value for name in ("href", "src") if (value := given.get(name))]
        if anchor := given.get("id"):
            self.page.anchors.add(anchor)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it. (Not with `--quiet`: then mkdocs does not count warnings as errors.)"""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="session")
def built(site: Path) -> dict[Path, Built]:
    """Every page of the site, by file. The page for “not found” has addresses of a site root, and no root here."""
    pages = {}
    for path in site.rglob("*.html"):
        if path.name != "404.html":
            reader = _Reader()
            reader.feed(path.read_text(encoding="utf-8"))
            pages[path.resolve()] = reader.page
    return pages


def broken_link(source: Path, link: str, built: dict[Path, Built]) -> str:
    """Why a link of a built page leads nowhere; empty if it leads somewhere, or out of the site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (source.parent / unquote(parts.path)).resolve() if parts.path else source
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"{link}: no such file"
    if parts.fragment and target in built and unquote(parts.fragment) not in built[target].anchors:
        return f"{link}: no such anchor"
    return ""


def test_every_link_and_anchor_of_the_site_resolves(built: dict[Path, Built]) -> None:
    assert len(built) == len(PAGES)
    broken = [
        f"{source}: {why}"
        for source, page in built.items()
        for link in page.links
        if (why := broken_link(source, link, built))
    ]
    assert broken == []


def built_page(markdown: Path, site: Path) -> Path:
    """Where mkdocs puts a page of the documentation."""
    place = markdown.relative_to(DOCS)
    return site / (place.parent / "index.html" if place.name == "index.md" else place.with_suffix("") / "index.html")


@pytest.mark.parametrize("front", FRONT, ids=name_of)
def test_the_pages_beside_the_code_link_to_what_is_there(front: Path, site: Path, built: dict[Path, Built]) -> None:
    prose = INLINE_CODE.sub("", FENCED.sub("", front.read_text(encoding="utf-8")))
    for link in LINK.findall(prose):
        parts = urlsplit(link)
        if parts.scheme or not parts.path:
            continue
        target = (front.parent / unquote(parts.path)).resolve()
        assert target.exists(), link
        if parts.fragment and target.suffix == ".md" and target.is_relative_to(DOCS):
            assert parts.fragment in built[built_page(target, site).resolve()].anchors, link


def runnable_blocks() -> list[tuple[str, str]]:
    return [
        (f"{name_of(page)} #{number}", code)
        for page in PAGES
        for number, code in enumerate(RUNNABLE.findall(page.read_text(encoding="utf-8")), start=1)
    ]


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in runnable_blocks()])
def test_a_reader_runs_an_example(code: str) -> None:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=DOCS, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_mark_stands_directly_above_a_python_block() -> None:
    marks = sum(len(MARK.findall(page.read_text(encoding="utf-8"))) for page in PAGES)
    assert marks == len(runnable_blocks()) > 0


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_on_a_page_is_the_strict_json_that_the_page_speaks_of(page: Path) -> None:
    for block in JSON_BLOCK.findall(page.read_text(encoding="utf-8")):
        strictjson.loads(block.encode("utf-8"))
