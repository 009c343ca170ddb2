"""The secret that signs tokens: configured, or made in the data directory (0600) on first use."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from symbi_review.config import JwtConfig

__all__ = ["token_secret"]


def token_secret(config: JwtConfig, data_dir: Path) -> bytes | None:
    """The HS256 secret, or None when tokens are checked with public keys."""
    if config.secret is not None:
        return config.secret.reveal().encode()
    if config.jwks_file is not None or config.algorithm != "HS256":
        return None
    path = data_dir / "review" / "jwt.secret"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip().encode()
