"""Toxicity of ViCTSD's news comments with this project's own text and features, as a linear model of the comment alone or with its headline.

Trains on DIR/ViCTSD_train.csv; every choice is made by cross-validation inside it, and `macro_f1_nested` judges that
procedure. Prints macro-F1 on ViCTSD_valid.csv, and on ViCTSD_test.csv if it is there; --ablation prints instead what each
part brings inside train. The last line is JSON.

--headline adds the words of the headline that a comment stands under. The official parts share their articles (98 % of the
comments in valid stand under a headline of train), so this mostly says how toxic the comments under each known article are:
an aid while a known discussion goes on, and a hindrance under a new article: compare `macro_f1_unseen_headlines`, where folds
keep articles whole, with and without --headline. It is not to be set beside figures of models that read the comment alone.

Usage: python benchmarks/victsd.py DIR [--headline] [--ablation]
"""

import sys
from dataclasses import replace
from itertools import product

from linear_search import Benchmark, Settings, main

GRID = tuple(
    Settings(syllables=syllables, nb=nb, balance=balance, regularization=regularization, bayes=bayes)
    for syllables, nb, balance, regularization, bayes in product((0.0, 1.0), (0.25, 0.5), (0.0, 0.25), (0.04, 0.07), (0.0, 0.006, 0.012))
)
FILES = {"train": "ViCTSD_train.csv", "valid": "ViCTSD_valid.csv", "test": "ViCTSD_test.csv"}
VICTSD = Benchmark("victsd", FILES, "Comment", "Toxicity", GRID, headline="Title")
HEADLINE_GRID = tuple(replace(settings, headline=weight) for settings, weight in product(GRID, (1.0, 1.4)) if settings.syllables)
WITH_HEADLINE = VICTSD._replace(grid=HEADLINE_GRID)

if __name__ == "__main__":
    main(WITH_HEADLINE if "--headline" in sys.argv else VICTSD, [argument for argument in sys.argv[1:] if argument != "--headline"])
