"""What holds for all tests: laws are judged by what they find, never by how long that takes."""

from hypothesis import settings

settings.register_profile("imagebot", deadline=None)
settings.load_profile("imagebot")
