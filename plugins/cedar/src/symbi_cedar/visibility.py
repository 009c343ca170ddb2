"""Tells by partial evaluation whether a tool could ever be allowed (POL-60)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symbi_cedar.entities import Subject

if TYPE_CHECKING:
    import cedarpy

__all__ = ["could_be_allowed"]

_PLAIN = re.compile(r'[^"\\\x00-\x1f\x7f-\U0010ffff]*')


def could_be_allowed(subject: Subject, policies: cedarpy.PolicySet, entities: cedarpy.Entities) -> bool:
    """Return False when the action is denied whatever its context will be.

    A name that Cedar's text form cannot carry counts as possible: hiding is a courtesy, the decision itself is the
    guard.
    """
    import cedarpy

    names = {"principal": subject.principal, "action": subject.action, "resource": subject.resource}
    if not all(_PLAIN.fullmatch(each["id"]) for each in names.values()):
        return True
    request = {part: f'{each["type"]}::"{each["id"]}"' for part, each in names.items()}
    return cedarpy.is_authorized_partial(request, policies, entities).decision is not cedarpy.Decision.Deny
