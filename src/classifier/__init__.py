"""Sort Vietnamese posts into clear, review and flag, so that people can decide on them."""

__version__ = "0.1.0"
