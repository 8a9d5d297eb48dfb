"""What a page is judged by: its elements and attributes, never a search for known evil."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

__all__ = ["faults_of_page", "skeleton", "tree"]

_OUTSIDE = re.compile(r"(?i)^\s*(?:[a-z][a-z0-9+.-]*:|//|\\\\)")
_ADDRESSED = ("href", "src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "xlink:href")
_ACTING = {
    "animate", "applet", "audio", "base", "embed", "foreignobject", "form", "frame", "frameset", "iframe", "math",
    "noscript", "object", "portal", "script", "set", "template", "video",
}  # fmt: skip


class _Elements(HTMLParser):
    """The elements of a markup as Python's own parser sees them: quick enough for thousands of fragments."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_comment(self, data: str) -> None:
        self.found.append(("a comment", (data[:20],)))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("a declaration", (decl[:20],)))

    def handle_pi(self, data: str) -> None:
        self.found.append(("an instruction", (data[:20],)))


def skeleton(markup: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the elements of a fragment with the names of their attributes, in order; comments are told too."""
    parser = _Elements()
    parser.feed(markup)
    parser.close()
    return parser.found


def faults_of_page(page: str) -> list[str]:
    """Return what a page of ours must not hold: scripts that no hash allows, handlers, addresses, acting elements."""
    made = BeautifulSoup(page, "html.parser")
    policies = made.find_all("meta", attrs={"http-equiv": True})
    faults = [] if len(policies) == 1 else [f"{len(policies)} policies"]
    policy = str(policies[0]["content"]) if policies else ""
    if "default-src 'none'" not in policy or "unsafe" in policy or "*" in policy:
        faults.append(f"policy {policy}")
    for tag in made.find_all():
        faults += _faults_of(tag, policy)
    return faults


def _faults_of(tag: Tag, policy: str) -> list[str]:
    faults = [f"<{tag.name} {name}>" for name in tag.attrs if name.lower().startswith("on") or name.lower() == "style"]
    if tag.name == "script":
        if tag.get("type") != "application/json" and _hash(tag) not in policy:
            faults.append(f"a script that no hash allows: {tag.string!r:.60}")
    elif tag.name == "style":
        if _hash(tag) not in policy:
            faults.append("a style that no hash allows")
    elif tag.name.lower() in _ACTING:
        faults.append(f"<{tag.name}>")
    for name in _ADDRESSED:
        value: Any = tag.get(name)
        if value is None:
            continue
        picture = str(value).startswith(("data:image/png;base64,", "data:image/svg+xml;base64,")) and tag.name in (
            "img",
            "image",
        )
        icon = tag.name == "link" and str(value) == "data:,"
        if _OUTSIDE.match(str(value)) and not picture and not icon:
            faults.append(f"<{tag.name} {name}={value!s:.60}>")
    return faults


def _hash(tag: Tag) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256((tag.string or "").encode()).digest()).decode()


def tree(*folders: Path) -> dict[str, str]:
    """Return every file beneath some folders with its digest, and every link with its target."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink():
                found[str(path)] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
