"""Near-duplicate posts as groups that no split may cut: MinHash over syllable pairs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from rensa import RMinHash, RMinHashLSH
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from classifier.text import fold, normalize

_BANDS = 32


def shingles(normalized: str) -> list[str]:
    """Return the distinct syllables and syllable pairs of a normalised post without accents: what near-duplicates share."""
    syllables = fold(normalized).split()
    return sorted({*syllables, *(" ".join(pair) for pair in pairwise(syllables))})


def near_duplicate_pairs(
    texts: Sequence[str], similarity: float, permutations: int, seed: int, normalized: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """Find pairs of posts whose estimated Jaccard similarity over `shingles` reaches a bound.

    Parameters
    ----------
    texts : sequence of str, length n
    similarity : float
        Least estimated similarity, 0 to 1.
    permutations : int
        MinHash permutations.
    seed : int
    normalized : sequence of str, length n, optional
        The normal forms of the texts (`classifier.text.normalize`), where they are known.

    Returns
    -------
    list of (int, int)
        Positions of each pair, the smaller first. Posts without any word pair with none.

    References
    ----------
    Broder (1997), On the resemblance and containment of documents.
    """
    bands = min(_BANDS, permutations)
    index = RMinHashLSH(threshold=similarity, num_perm=permutations - permutations % bands, num_bands=bands)
    pairs: list[tuple[int, int]] = []
    hashes: dict[int, RMinHash] = {}
    for position, form in enumerate(map(normalize, texts) if normalized is None else normalized):
        parts = shingles(form)
        if not parts:
            continue
        minhash = RMinHash(num_perm=permutations - permutations % bands, seed=seed)
        minhash.update(parts)
        pairs += [(other, position) for other in index.query(minhash) if hashes[other].jaccard(minhash) >= similarity]
        index.insert(position, minhash)
        hashes[position] = minhash
    return pairs


def group_posts(size: int, pairs: Iterable[tuple[int, int]], tied: Iterable[Sequence[int]] = ()) -> np.ndarray:
    """Give posts that are near-duplicates, or tied by other means, one group number.

    Parameters
    ----------
    size : int
        Number of posts n.
    pairs : iterable of (int, int)
        Positions of near-duplicates.
    tied : iterable of sequences of int
        Positions that belong together whatever their texts, such as the halves of a contrast pair.

    Returns
    -------
    numpy.ndarray, shape (n,), int
        Group numbers from 0.
    """
    edges = [*pairs, *((members[0], member) for members in tied for member in members[1:])]
    rows, columns = np.array(edges, dtype=int).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def tied_positions(keys: Sequence[str]) -> list[list[int]]:
    """Positions that share a key; the empty key ties nothing."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        if key:
            positions[key].append(position)
    return list(positions.values())
