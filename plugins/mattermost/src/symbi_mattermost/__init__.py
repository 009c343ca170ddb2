"""Mattermost: one channel is an incoming webhook, or a bot."""
