"""Lessons and sources as HTML. Both are our own files; nothing that came off a wire passes here."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from servers.kit.lab import Lab


@lru_cache(maxsize=64)
def lesson(folder: str) -> str:
    """A lab's README.md as HTML; headings have ids to link to."""
    from markdown_it import MarkdownIt

    path = Path(folder) / "README.md"
    if not path.exists():
        return ""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(path.read_text(encoding="utf-8"))
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", "lesson-" + slug(inline.content))
    return str(reader.renderer.render(tokens, reader.options, {}))


def slug(words: str) -> str:
    """A heading as an id: lower case, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


@lru_cache(maxsize=64)
def sources(files: tuple[tuple[str, Path], ...]) -> list[dict[str, str]]:
    """Files by name, highlighted, with line numbers to link to: ``#source-server.py-12``."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    found = []
    for name, path in files:
        if path.exists():
            formatter = HtmlFormatter(
                cssclass="source", linenos="inline", lineanchors="source-" + name, anchorlinenos=True
            )
            found.append({"name": name, "html": highlight(path.read_text("utf-8"), PythonLexer(), formatter)})
    return found


def of_lab(lab: Lab) -> dict[str, Any]:
    """What a lab's page shows of its files."""
    files = tuple((name, lab.source(name)) for name in lab.view.sources)
    return {"lesson": lesson(str(lab.folder)), "sources": sources(files)}


@lru_cache(maxsize=1)
def highlight_css() -> str:
    """The colours of highlighted source, for both themes."""
    from pygments.formatters import HtmlFormatter

    # the style's pale colours, dark enough to read: 4.5:1 on the ground that the source stands on
    darker = {
        "#60A0B0": "#3B6E7C", "#0E84B5": "#0A6A92", "#BB60D5": "#9236AC", "#60ADD5": "#2F6A9E",
        "#D55537": "#A3542A", "#70A0D0": "#3D6DA8", "#C65D09": "#A8480A", "#40A070": "#1F7A4D",
    }  # fmt: skip
    friendly: Any = HtmlFormatter(style="friendly")
    dark: Any = HtmlFormatter(style="github-dark")
    light = re.sub(
        r"#[0-9A-F]{6}\b", lambda found: darker.get(found[0], found[0]), friendly.get_style_defs(".source")
    )
    nested = "\n".join(dark.get_style_defs('[data-theme="dark"] .source').splitlines())
    auto = "\n".join(dark.get_style_defs(":root:not([data-theme]) .source").splitlines())
    css = f"{light}\n{nested}\n@media (prefers-color-scheme: dark) {{\n{auto}\n}}\n"
    return re.sub(r"(^|\n)[^\n{]*(pre|td\.linenos|span\.linenos)[^{\n]*\{[^}\n]*\}", "", css)
