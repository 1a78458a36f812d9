"""What each disguise costs: recall lost at equal precision, and protected posts hit.

Measured on the test split of the present corpus with the model in use, on posts that neither trained it nor chose its bands.
The last line is JSON.

Usage: python benchmarks/evasion.py   (after `make train`)
"""

import json
from pathlib import Path

from rich.console import Console

from classifier.params import load_params
from classifier.report import evasion_table
from classifier.training import evaluate_stored

PROJECT = Path(__file__).parents[1]


def main() -> None:
    stored, report, _ = evaluate_stored(load_params(PROJECT / "params.yaml"), PROJECT, PROJECT / "models", None)
    Console(width=140).print(evasion_table(report))
    figures = {name: {key: round(value, 4) for key, value in cost.items() if isinstance(value, float)} for name, cost in report["evasion"].items()}
    print(json.dumps({"benchmark": "evasion", "model": stored.version, "posts": report["posts"], "by_transformation": figures}))


if __name__ == "__main__":
    main()
