"""`GET /metrics` in Prometheus text and OpenMetrics."""
