"""Batches of posts in and out."""

from classifier.posts.formats import FORMATS, STDIO
from classifier.posts.reading import Batch, read_batch
from classifier.posts.writing import Writer, write_batch

__all__ = ["FORMATS", "STDIO", "Batch", "Writer", "read_batch", "write_batch"]
