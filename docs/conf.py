"""Builds the documentation with Sphinx and MyST: `sphinx-build -W docs site`."""

from __future__ import annotations

project = "Symbi"
author = "the Symbi project"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "AI agents under policy", "page_width": "1100px"}
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]
