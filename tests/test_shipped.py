"""What underthesea ships works without its package as it does with it."""

import subprocess
import sys

import pytest
from varied_posts import generated_posts, seed_posts

from classifier import shipped as parts
from classifier.shipped import shipped


def test_texts_are_cut_as_by_the_package() -> None:
    from underthesea.pipeline.word_tokenize import regex_tokenize

    tokenize = shipped().tokenize
    assert tokenize is not regex_tokenize.tokenize
    for post in [*seed_posts()[::5], *generated_posts(2000), "", "H'Mông, v.v... 3x4 :D", "Ð ð nghàn òa"]:
        assert tokenize(post) == regex_tokenize.tokenize(post)


def test_the_package_is_not_imported() -> None:
    code = "import sys; from classifier.shipped import shipped; print(*shipped().tokenize('học sinh!')); print(*sys.modules)"
    tokens, modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert tokens == "học sinh !"
    assert not [name for name in modules.split() if name.split(".")[0] in ("underthesea", "joblib")]


@pytest.mark.parametrize("error", [ImportError, AttributeError, FileNotFoundError])
def test_modules_that_do_not_stand_alone_are_imported_with_the_package(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    from underthesea.pipeline.word_tokenize import regex_tokenize

    def refuse(self: object, name: str) -> None:
        raise error(name)

    monkeypatch.setattr(parts._Alone, "run", refuse)
    assert shipped().tokenize is regex_tokenize.tokenize


def test_dictionary_and_templates_are_those_that_joblib_reads() -> None:
    import joblib

    found = shipped()
    assert found.dictionary == joblib.load(found.weights.parent / "dictionary.bin")
    assert found.features == joblib.load(found.weights.parent / "features.bin")


def test_without_the_package_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="underthesea"):
        shipped()
