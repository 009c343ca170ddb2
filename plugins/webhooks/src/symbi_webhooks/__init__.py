"""Inbound webhooks that definitions declare."""
