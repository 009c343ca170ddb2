"""Memory of Symbi agents: what they remember, know and have said, found again by words, time and meaning."""
