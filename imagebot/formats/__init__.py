"""Find where images are written in a file: the one way in.

Pure. What is found in a file depends on its bytes and the class of its name alone, so that the
cache may keep it (`cache_key`).
"""

from imagebot.formats import cache, extractor
from imagebot.formats.fields import Laid as Laid
from imagebot.formats.files import Reader, reader_of
from imagebot.formats.finding import NOTHING
from imagebot.formats.finding import find as find
from imagebot.formats.laying import can_hold_fields as can_hold_fields
from imagebot.formats.laying import dump_laid as dump_laid
from imagebot.formats.laying import find_with_fields as find_with_fields
from imagebot.formats.laying import finder as finder
from imagebot.formats.laying import load_laid as load_laid
from imagebot.formats.laying import rules_key as rules_key
from imagebot.formats.scanning import scanning as scanning
from imagebot.formats.scanning import sweep as sweep
from imagebot.formats.table import FORMATS as FORMATS
from imagebot.formats.table import names
from imagebot.model import Found

EXTRACTOR_VERSION = extractor.VERSION


def is_candidate_path(path: str) -> bool:
    """Whether a file of this name is looked at."""
    return reader_of(path) is not None


def is_yaml_path(path: str) -> bool:
    """Whether a file is YAML by its name, so that policies may stand in it."""
    return reader_of(path) is Reader.YAML


def cache_key(file: str, blob_id: str) -> str:
    """What the result of `find` depends on: the bytes, the extractor, and the file's class."""
    return f"{EXTRACTOR_VERSION}:{reader_of(file)}:{names(file)}:{blob_id}"


def dump(found: Found) -> bytes:
    """What the cache keeps of a file; empty for the many that hold nothing."""
    return cache.dump(found)


def load(file: str, payload: bytes) -> Found:
    """Undo `dump`, for a file whose `cache_key` is the one that the payload was kept under."""
    return cache.load(file, payload) if payload else NOTHING
