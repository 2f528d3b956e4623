"""What the service shows over HTTP: health, readiness, metrics. Reads, and decides nothing."""
