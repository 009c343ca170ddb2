"""YAML without its traps: no tags, no anchors, no duplicate keys."""

from __future__ import annotations

from typing import Any

__all__ = ["load_plain_yaml"]


def load_plain_yaml(content: bytes | str) -> Any:
    """Return the plain data of a document; raises `ValueError` with the place of what is wrong."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                raise ValueError("aliases are not allowed")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise ValueError(f"the key {key!r} stands twice")
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(content, Loader=Loader)  # noqa: S506  # a SafeLoader with less
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"{getattr(error, 'problem', None) or 'it is no YAML'}{where}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
