"""The kernel: discovery, validation, configuration, lifecycle, services, events, health. Every feature is a plugin."""
