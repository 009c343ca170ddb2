"""Channels: the service behind `/api/v1/channels`, the same for every chat platform."""
