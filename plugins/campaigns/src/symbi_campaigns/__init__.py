"""Opt-in rules drawn from real campaigns against skill catalogues."""
