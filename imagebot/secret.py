"""A text that must not be printed. Only the edge that sends it opens it.

Pure. `str`, `repr`, `format`, pickling to logs and pydantic dumps show a mask.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a password, token or key; `reveal()` is called by the transport alone."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return "****"

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self._text)
