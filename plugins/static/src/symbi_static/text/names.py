"""Names that imitate other tools."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import re

from symbi_static.rules.collector import Collector
from symbi_static.text.characters import skeleton

__all__ = ["WELL_KNOWN", "check_name"]

WELL_KNOWN = (
    "filesystem", "github", "gitlab", "slack", "puppeteer", "playwright", "postgres", "postgresql", "sqlite", "brave-search", "google-drive", "google-maps", "notion", "stripe", "cloudflare", "supabase", "sentry", "linear",
    "airtable", "mongodb", "redis", "docker", "kubernetes", "terraform", "figma", "hubspot", "salesforce", "atlassian", "confluence", "send_email", "read_file", "write_file", "list_directory", "search_files", "execute_command",
    "run_command", "web_search", "sequential-thinking", "time-server", "context7", "firecrawl", "perplexity", "tavily", "elasticsearch", "bigquery", "snowflake", "paypal", "shopify", "discord", "telegram", "whatsapp", "youtube", "openai", "anthropic",
    "requests", "fetch-server", "memory-server", "everything-server", "mcp-server-git", "mcp-server-fetch", "browser_navigate", "create_issue", "get_weather", "calculator",
)  # fmt: skip


def _near(left: str, right: str) -> bool:
    """Whether one edit or one swap of neighbours lies between two names."""
    if abs(len(left) - len(right)) > 1 or left == right:
        return False
    if len(left) == len(right):
        wrong = [i for i in range(len(left)) if left[i] != right[i]]
        if len(wrong) == 1:
            return True
        return (
            len(wrong) == 2
            and wrong[1] == wrong[0] + 1
            and left[wrong[0]] == right[wrong[1]]
            and left[wrong[1]] == right[wrong[0]]
        )
    short, long = sorted((left, right), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def check_name(name: str, known: tuple[str, ...], out: Collector) -> None:
    """Compare a tool's name with well-known tools and with those already reviewed."""
    if not name:
        return
    own = skeleton(name)
    plain = re.sub(r"[-_. ]", "", name.lower())
    for other in dict.fromkeys([*known, *WELL_KNOWN]):
        bare = re.sub(r"[-_. ]", "", other.lower())
        if plain == bare:
            continue
        same = own == skeleton(other)
        near = (
            len(bare) >= 6
            and _near(plain, bare)
            and plain.rstrip("s0123456789") != bare.rstrip("s0123456789")
            and plain[:1] != ""
        )
        if same or near:
            out.add(
                "look-alike-name",
                f"`{name}` looks like `{other}`.",
                where="tool_name",
                seed=f"name{bare}",
                confidence=0.9 if same else 0.75,
            )
            return
