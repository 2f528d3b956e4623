"""Policy documents: bytes -> Policies and Problems, and which policy governs an occurrence."""
