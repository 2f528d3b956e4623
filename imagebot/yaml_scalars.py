"""What a plain scalar means, and which texts may be written without quotes.

Pure. Where YAML 1.1 (most of what reads Kubernetes files) and YAML 1.2 disagree, quotes are needed.
"""

import re

from imagebot.yaml_nodes import Scalar

# What a plain scalar may look like without being a string, in YAML 1.1 (most of what reads
# Kubernetes files) or in the core schema of YAML 1.2. Underscores are taken out before.
_NUMBER = re.compile(
    r"""[-+]?(?:
        0b[01]+ | 0o?[0-7]+ | 0x[0-9a-f]+ | [0-9]+          # integers of both versions
      | [0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?                # base 60
      | (?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?   # decimal
      | \.inf
    )|\.nan""",
    re.X | re.I,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", re.S)
_WORDS = frozenset(
    {"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"}
)
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_BREAKS_PLAIN = re.compile(r":(?:\s|\Z)|\s#|[\r\n\x85\u2028\u2029]|\A\s|\s\Z")
_BREAKS_FLOW = re.compile(r"[,\[\]{}]|:(?=[,\[\]{}])")


def reads_as_string(text: str) -> bool:
    """Whether YAML 1.1 and YAML 1.2 both read this plain scalar as a string."""
    if text.lower() in _WORDS or _DATE.fullmatch(text):
        return False
    without = text[:1] + text[1:].replace("_", "")
    with_zeros = text[:1] + text[1:].replace("_", "0")  # 0b_ is a number to YAML 1.1's pattern
    return not any(_NUMBER.fullmatch(form) for form in (text, without, with_zeros))


def is_null(scalar: Scalar) -> bool:
    """Whether a scalar is written as no value at all."""
    return not scalar.style and scalar.text in {"", "~", "null", "Null", "NULL"}


def can_be_plain(text: str, in_flow: bool) -> bool:
    """Whether a text may stand without quotes and is then read back as this very string."""
    if not reads_as_string(text) or _BREAKS_PLAIN.search(text):
        return False
    if text[0] in _INDICATORS and not (text[0] in "-?:" and text[1:2].strip()):
        return False
    if text.startswith(("---", "...")):
        return False
    return not (in_flow and _BREAKS_FLOW.search(text))
