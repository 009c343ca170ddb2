"""The signing contract, kept by the RSA signer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from symbi.contracts.signing import PackageRequest
from symbi.testing.signing import SignerContract


class TestRsa(SignerContract):
    @pytest.fixture
    def request_to_sign(self, make_request: Callable[..., PackageRequest]) -> PackageRequest:
        return make_request()
