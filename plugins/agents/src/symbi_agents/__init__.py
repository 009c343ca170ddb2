"""Registered agents: their definitions, revisions, states, messages and heartbeats."""
