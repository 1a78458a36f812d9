"""Posts to compare fast paths with plain ones on: the seed corpus, the public corpora where they lie, and generated ones."""

import random
from functools import lru_cache
from pathlib import Path

import pandas as pd

_DATA = Path(__file__).parents[1] / "data"
# Whatever rules look for across spaces, or where a stretch between spaces could read otherwise by itself.
_PIECES = [
    *["k", "ko", "đc", "vcl", "kkkk", "haha", ":)", "=((", "t_t", "<3", "xd", "hoà", "quáaaa", "đẹpppp", "!!", "...", "😂", "👍🏽", "🇻🇳"],
    *["n g u", "ng.u", "n.g.u", "n-g", "b ố", "v ã i", "a", "b", "c", ".a", "a.", "x", "h", "h.", "em h.", "em", "anh", "thằng", ". lớp", "H. "],
    *["0951234567", "0951 234 567", "09", "o9", "84", "+84", "345 6", "12", "x", "xx", "**", "*", "-", ".", "l", "o", "_", "1.2.2024", "500000"],
    *["stk", "tk", "ngân hàng", "cccd 012 345", "678 901", "a@b.example", "@lop9b", "abc.com", "http", "://", "www.", "maskphone", "neutname"],
    *["ngườ1", "đ1t", "l0n", "ng*u", "th4y", "s1ng", "tha82ng", "thawngf", "dduwowcj", "ddc", "hocsinh", "thằngngu", "10a1"],
    *[
        "bộ giáo dục",
        "nguyễn thị",
        "lan",
        "bạn",
        "người",
        "tày",
        "\u0301",
        "e\u0323",
        "Ａ",
        "İ",
        "Σ",
        "ß",
        "ŋ",
        "ѕ",
        "\u200b",
        "\u00ad",
        "½",
        "²",
        "①",
    ],
    *["\n", "\t", "\u00a0", "\u3000", "\x1c", "\x85", "\ud83d", "\ude02", "\u1100\u1161"],
]
_LETTERS = "aăâeêioôơuưyàáạảãằắậéèẽếọộúùụứýđĐƯbcdghklmnpqrstvx0134$@ .-_*~'|·!?:;=)(\u0301\u0300\u0323\u200b\tСоɴ😂👍🏽\ud83d\ude02"
_RANGES = [(0x20, 0x250), (0x300, 0x600), (0x2000, 0x2100), (0x1F000, 0x1FB00), (0, 0x10000), (0, 0x110000)]


@lru_cache(maxsize=1)
def seed_posts() -> list[str]:
    return [text for path in sorted((_DATA / "seed").glob("*.csv")) for text in pd.read_csv(path)["text"].astype(str)]


def public_posts(most: int) -> list[str]:
    """As many posts of each public corpus that was downloaded."""
    columns = {"vihsd/train.csv": "free_text", "victsd/ViCTSD_train.csv": "Comment"}
    posts = []
    for name, column in columns.items():
        if (path := _DATA / "external" / name).is_file():
            posts += pd.read_csv(path)[column].astype(str).tolist()[:most]
    if (path := _DATA / "external" / "vsfc" / "train" / "sents.txt").is_file():
        posts += path.read_text(encoding="utf-8").splitlines()[:most]
    return posts


def generated_posts(n: int) -> list[str]:
    """Unicode noise, pieces that rules look for in any order, and seed posts with such pieces or typing errors in them."""
    choose = random.Random(n)
    kinds = [_noise, _letters, _pieces, _with_pieces, _mistyped]
    return [kinds[number % len(kinds)](choose) for number in range(n)]


def _noise(choose: random.Random) -> str:
    return "".join(chr(choose.randrange(*choose.choice(_RANGES))) for _ in range(choose.randrange(40)))


def _letters(choose: random.Random) -> str:
    return "".join(choose.choices(_LETTERS, k=choose.randrange(60)))


def _pieces(choose: random.Random) -> str:
    between = choose.choice(["", " ", " ", " ", ".", "-", "\n", "  "])
    return between.join(choose.choices(_PIECES, k=choose.randrange(14)))


def _with_pieces(choose: random.Random) -> str:
    words = choose.choice(seed_posts()).split(" ")
    for piece in choose.choices(_PIECES, k=4):
        words.insert(choose.randrange(len(words) + 1), piece)
    return " ".join(words)


def _mistyped(choose: random.Random) -> str:
    letters = list(choose.choice(seed_posts()))
    for letter in choose.choices([*_LETTERS, ""], k=6):
        letters[choose.randrange(len(letters))] = letter + choose.choice(["", choose.choice(letters)])
    return "".join(letters)
