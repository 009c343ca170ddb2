"""Qdrant as a vector backend of Symbi: a server, or a folder of this machine."""
