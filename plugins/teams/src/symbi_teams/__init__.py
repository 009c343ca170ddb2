"""Microsoft Teams: one channel is a webhook, or a bot."""
