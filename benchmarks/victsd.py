"""Toxicity of ViCTSD's news comments with this project's own text and features, as a linear model of the comment alone.

Trains on DIR/ViCTSD_train.csv; every choice is made by cross-validation inside it, and `macro_f1_nested` judges that
procedure. Prints macro-F1 on ViCTSD_valid.csv, and on ViCTSD_test.csv if it is there; --ablation prints instead what each
part brings inside train. The last line is JSON.

Usage: python benchmarks/victsd.py DIR [--ablation]
"""

import sys
from itertools import product

from linear_search import Benchmark, Settings, main

GRID = tuple(
    Settings(syllables=syllables, nb=nb, balance=balance, regularization=regularization, bayes=bayes)
    for syllables, nb, balance, regularization, bayes in product((0.0, 1.0), (0.25, 0.5), (0.0, 0.25), (0.04, 0.07), (0.0, 0.006, 0.012))
)
FILES = {"train": "ViCTSD_train.csv", "valid": "ViCTSD_valid.csv", "test": "ViCTSD_test.csv"}
VICTSD = Benchmark("victsd", FILES, "Comment", "Toxicity", GRID)

if __name__ == "__main__":
    main(VICTSD, sys.argv[1:])
