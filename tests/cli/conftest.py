from tests.acceptance.conftest import world

__all__ = ["world"]
