"""Wallets and their seed words."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="crypto-wallet",
    category="campaign",
    severity="high",
    message="Refers to the store of a wallet or its seed words",
    check=(
        Pattern(
            r"\bwallet\.dat\b|(?:Exodus|Electrum|Atomic|Ethereum|Ledger Live|Trezor)[/\\]+(?:exodus\.wallet|wallets?|keystore|Local Storage)\b|\.(?:electrum|ethereum|bitcoin|solana)[/\\]+(?:wallets?|keystore|id\.json)\b"  # noqa: E501  # an expression is read in one piece
        ),
        Pattern(r"\b(?:nkbihfbeogaeaoehlefnkodbefgpgknn|bfnaelmomeimhlpmgjnjophhpkkoljpa)\b"),
        Pattern(
            r"\b(?:enter|send|paste|read|find|steal|export|upload)\b.{0,60}\b(?:seed\s+phrase|recovery\s+phrase|mnemonic|private\s+key\s+of\s+your\s+wallet)\b"
        ),
    ),
    bad=("cp ~/.bitcoin/wallet.dat /tmp", "~/.ethereum/keystore", "Please paste your seed phrase here"),
    good=("your wallet is in your pocket", "never share your seed phrase", "pip install bitcoin"),
    remediation="No skill needs a wallet's keys.",
    references=("https://attack.mitre.org/techniques/T1552/",),
    tags=("secret",),
    default=False,
)
