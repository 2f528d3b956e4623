"""Regular expressions that users write: RE2, and nothing else (being written)."""


class Pattern:
    """A compiled RE2 pattern (being written)."""
