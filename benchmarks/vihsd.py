"""ViHSD with this project's own text and features, as a three-class linear model.

Trains on DIR/train.csv; every choice is made by cross-validation inside it, and `macro_f1_nested` judges that procedure.
Prints macro-F1 on dev.csv, and on test.csv if it is there; --ablation prints instead what each part brings inside train.
The last line is JSON.

Usage: python benchmarks/vihsd.py DIR [--ablation]
"""

import sys
from itertools import product

from linear_search import Benchmark, Settings, main

GRID = tuple(
    Settings(typed=typed, nb=nb, balance=balance, regularization=regularization, bayes=bayes)
    for typed, nb, balance, regularization, bayes in product((0.0, 1.0), (0.0, 0.25), (0.25, 0.5), (0.05, 0.1), (0.0, 0.006, 0.012))
)
VIHSD = Benchmark("vihsd", {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}, "free_text", "label_id", GRID)

if __name__ == "__main__":
    main(VIHSD, sys.argv[1:])
