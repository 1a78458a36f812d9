"""The public corpora we can read: their files, how labels become ours, their licence and citation."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from classifier.corpus.schema import COLUMNS
from classifier.errors import InputError
from classifier.posts import read_batch, write_batch
from classifier.taxonomy import CATEGORIES, Slice


@dataclass(frozen=True)
class Adapter:
    """A public corpus: its training files and how they become labelled posts.

    Attributes
    ----------
    files : tuple of str
        Paths below the corpus' folder; only training parts, so that the others stay fit for measuring.
    read : callable
        From the folder to a table with the contract's columns, all text; `source` is the adapter's name.
    hub : str
        Data set on the Hugging Face hub.
    lay_out : callable
        From the hub's table and a folder: writes `files` into the folder as the authors publish them.
    about, licence, citation : str
        Shown on import.
    """

    files: tuple[str, ...]
    read: Callable[[Path], pd.DataFrame]
    hub: str
    lay_out: Callable[[pd.DataFrame, Path], None]
    about: str
    licence: str
    citation: str


def _table(source: str, texts: pd.Series, labels: dict[str, pd.Series | str], slices: pd.Series) -> pd.DataFrame:
    """Bring a corpus into the contract's columns; a category that is not in `labels` was not annotated."""
    table = pd.DataFrame({"post_id": [f"{source}-{number}" for number in range(1, len(texts) + 1)], "text": texts, "source": source, "slice": slices})
    table = table.assign(**{category: labels.get(category, "") for category in CATEGORIES})
    table = table.reindex(columns=list(COLUMNS), fill_value="")
    return table[table["text"].str.strip() != ""].reset_index(drop=True)


def _read_csv(path: Path, text: str, label: str, known: set[str]) -> pd.DataFrame:
    batch = read_batch(path, chunk_size=100_000)
    missing = [column for column in (text, label) if column not in batch.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r} among {', '.join(batch.columns)}; place the original file there")
    rows = pd.concat(list(batch.chunks), ignore_index=True)
    return _with_known_labels(rows, label, known, path)


def _with_known_labels(rows: pd.DataFrame, label: str, known: set[str], path: Path) -> pd.DataFrame:
    unknown = sorted(set(rows[label]) - known)
    if unknown:
        raise InputError(f"{path}: {label} {unknown[0]!r} is unknown; this corpus uses {', '.join(sorted(known))}")
    return rows


def _read_vihsd(folder: Path) -> pd.DataFrame:
    """Class 2 attacks a target, hence `insult`; class 1 is abusive wording without one, hence `untargeted`, not `insult`."""
    rows = _read_csv(folder / "train.csv", "free_text", "label_id", {"0", "1", "2"})
    insult = rows["label_id"].map({"0": "0", "1": "0", "2": "1"})
    return _table("vihsd", rows["free_text"], {"insult": insult}, rows["label_id"].map({"0": "", "1": Slice.UNTARGETED.value, "2": ""}))


def _read_victsd(folder: Path) -> pd.DataFrame:
    """Toxicity 0 is no insult. Toxicity 1 says too little about a target, so those comments stay out (data/README.md)."""
    rows = _read_csv(folder / "ViCTSD_train.csv", "Comment", "Toxicity", {"0", "1"})
    rows = rows[rows["Toxicity"] == "0"].reset_index(drop=True)
    return _table("victsd", rows["Comment"], {"insult": "0"}, pd.Series("", index=rows.index))


_EMOTICONS = {
    "colonsmilesmile": ":))",
    "colonsmile": ":)",
    "colonbigsmile": ":D",
    "colonsmallsmile": ":)",
    "colonhihi": "=))",
    "colonlove": "<3",
    "colonsadcolon": ":(",
    "colonsad": ":(",
    "coloncontemn": ":/",
    "coloncc": ":c",
    "colondoublesurprise": ":O",
    "colonsurprise": ":O",
    "doubledot": ":",
    "dotdotdot": "...",
    "vdotv": "v.v",
    "fraction": "/",
    "csharp": "c#",
    "cplusplus": "c++",
}
_EMOTICON = re.compile(rf"\b({'|'.join(sorted(_EMOTICONS, key=len, reverse=True))})\b")
_REMOVED_NAME = re.compile(r"\bwzjwz\d+\b")


def undo_tokens(sentence: str) -> str:
    """Write a sentence of the students' feedback as its author did: emoticons and signs for their tokens, X for a removed name.

    Examples
    --------
    >>> undo_tokens("thầy wzjwz12 dạy hay colonsmile")
    'thầy X dạy hay :)'
    """
    return _REMOVED_NAME.sub("X", _EMOTICON.sub(lambda match: _EMOTICONS[match.group()], sentence))


def _read_vsfc(folder: Path) -> pd.DataFrame:
    """Feedback on teaching breaks no rule, so it is 0 for all categories; where its sentiment is negative it is a bad review."""
    sentences, sentiments = (_lines(folder / "train" / name) for name in ("sents.txt", "sentiments.txt"))
    if len(sentences) != len(sentiments):
        raise InputError(f"{folder}: train/sents.txt has {len(sentences)} lines, sentiments.txt {len(sentiments)}; place the original files there")
    rows = pd.DataFrame({"text": sentences, "sentiment": sentiments})
    rows = _with_known_labels(rows, "sentiment", {"0", "1", "2"}, folder / "train" / "sentiments.txt")
    labels: dict[str, pd.Series | str] = dict.fromkeys(CATEGORIES, "0")
    return _table("vsfc", rows["text"].map(undo_tokens), labels, rows["sentiment"].map({"0": Slice.NEGATIVE_REVIEW.value, "1": "", "2": ""}))


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start}); place the original file there") from None


def _lay_out_csv(name: str, columns: tuple[str, ...]) -> Callable[[pd.DataFrame, Path], None]:
    def lay_out(table: pd.DataFrame, folder: Path) -> None:
        with write_batch(folder / name) as writer:
            writer.write(table[list(columns)].astype(str))

    return lay_out


def _lay_out_vsfc(table: pd.DataFrame, folder: Path) -> None:
    (folder / "train").mkdir(parents=True, exist_ok=True)
    for name, column in {"sents.txt": "sentence", "sentiments.txt": "sentiment", "topics.txt": "topic"}.items():
        lines = table[column].astype(str).str.replace("\n", " ")
        (folder / "train" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


ADAPTERS: dict[str, Adapter] = {
    "vihsd": Adapter(
        files=("train.csv",),
        read=_read_vihsd,
        hub="sonlam1102/vihsd",
        lay_out=_lay_out_csv("train.csv", ("free_text", "label_id")),
        about="social-media comments labelled clean, offensive or hate",
        licence="MIT on the authors' data card; their code repository says research purposes",
        citation="Luu, Nguyen, Nguyen (2021), A Large-scale Dataset for Hate Speech Detection on Vietnamese Social Media Texts, arXiv:2103.11528",
    ),
    "victsd": Adapter(
        files=("ViCTSD_train.csv",),
        read=_read_victsd,
        hub="tarudesu/ViCTSD",
        lay_out=_lay_out_csv("ViCTSD_train.csv", ("Comment", "Toxicity")),
        about="news comments labelled for toxicity and constructiveness; only the non-toxic ones are used",
        licence="research only",
        citation="Nguyen, Nguyen, Nguyen (2021), Constructive and Toxic Speech Detection for Open-domain Social Media Comments, arXiv:2103.10069",
    ),
    "vsfc": Adapter(
        files=("train/sents.txt", "train/sentiments.txt"),
        read=_read_vsfc,
        hub="uitnlp/vietnamese_students_feedback",
        lay_out=_lay_out_vsfc,
        about="sentences of students' feedback on teaching: legitimate criticism and praise",
        licence="not stated; treat as research only",
        citation="Nguyen et al. (2018), UIT-VSFC: Vietnamese Students' Feedback Corpus for Sentiment Analysis, KSE 2018",
    ),
}
