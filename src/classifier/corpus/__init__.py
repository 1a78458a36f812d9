"""Labelled posts from all sources as one validated table, its duplicate groups and its splits."""

from classifier.corpus.assembly import Corpus, load_corpus
from classifier.corpus.splits import SPLITS, split_corpus

__all__ = ["SPLITS", "Corpus", "load_corpus", "split_corpus"]
