"""Batches of posts in and out."""

from classifier.posts.formats import FORMATS, STDIO, FileFault, Writer
from classifier.posts.reading import Batch, read_batch
from classifier.posts.resuming import KeptChunks
from classifier.posts.writing import write_batch

__all__ = ["FORMATS", "STDIO", "Batch", "FileFault", "KeptChunks", "Writer", "read_batch", "write_batch"]
