"""imagebot: an image-update bot for GitOps. Only the version lives here."""

__version__ = "0.1.0"
