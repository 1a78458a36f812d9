"""What underthesea ships for cutting posts into words, without importing the package: its start takes half a second."""

import builtins
import pickle
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

_PACKAGE = "underthesea"
_NORMALIZER, _TOKENIZER = f"{_PACKAGE}.pipeline.text_normalize", f"{_PACKAGE}.pipeline.word_tokenize.regex_tokenize"
_MODEL = Path("pipeline", "word_tokenize", "models", "ws_crf_vlsp2013_20230727")


class Shipped(NamedTuple):
    """The parts of underthesea's word segmenter.

    Attributes
    ----------
    tokenize : callable
        Cuts a text into syllables and signs.
    dictionary : set of str
        Words, lower-case, syllables joined by spaces.
    features : list of str
        Templates of the tagger's attributes.
    weights : Path
        The tagger's model, a file of CRFsuite.
    """

    tokenize: Callable[[str], list[str]]
    dictionary: set[str]
    features: list[str]
    weights: Path


def shipped() -> Shipped:
    """Read the parts from where underthesea is installed.

    Returns
    -------
    Shipped

    Raises
    ------
    ModuleNotFoundError
        If it is not.

    Examples
    --------
    >>> shipped().tokenize("học sinh, giáo viên")
    ['học', 'sinh', ',', 'giáo', 'viên']
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    root = Path(spec.submodule_search_locations[0])
    model = root / _MODEL
    return Shipped(_tokenizer(root), _unpickled(model / "dictionary.bin"), _unpickled(model / "features.bin"), model / "models.bin")


def _tokenizer(root: Path) -> Callable[[str], list[str]]:
    """Run two modules by themselves; a version whose modules do not stand alone is imported as a whole."""
    try:
        alone = _Alone(root, {"joblib": SimpleNamespace(load=_unpickled)})
        alone.run(_NORMALIZER)  # before the tokenizer, because each imports the other
        return alone.run(_TOKENIZER).tokenize
    except (ImportError, AttributeError, OSError, pickle.UnpicklingError):
        from underthesea.pipeline.word_tokenize import regex_tokenize

        return regex_tokenize.tokenize


def _unpickled(path: str | Path) -> Any:
    """Read what joblib wrote: of plain objects it makes a plain pickle, which it reads ten times slower."""
    return pickle.loads(Path(path).read_bytes())


class _Alone:
    """Runs modules of a package without the packages around them, where nobody else sees them.

    Parameters
    ----------
    root : Path
        The package's folder.
    stand_ins : mapping of str to object
        What they get in place of modules from elsewhere.
    """

    def __init__(self, root: Path, stand_ins: Mapping[str, Any]) -> None:
        self._root = root
        self._stand_ins = stand_ins
        self._modules: dict[str, ModuleType] = {}

    def run(self, name: str) -> ModuleType:
        """Run a module at the first call for it."""
        if name not in self._modules:
            path = self._root.joinpath(*name.split(".")[1:])
            is_package = path.is_dir()
            file = str(path / "__init__.py" if is_package else path.with_suffix(".py"))
            self._modules[name] = module = ModuleType(name)
            module.__file__, module.__package__ = file, name if is_package else name.rpartition(".")[0]
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
            code = SourceFileLoader(name, file).get_code(name)
            exec(code, module.__dict__)  # type: ignore[arg-type]
        return self._modules[name]

    def _import(
        self, name: str, globals: Mapping[str, Any] | None = None, locals: Any = None, fromlist: Sequence[str] | None = (), level: int = 0
    ) -> Any:
        """Do what `import` does in these modules."""
        full = resolve_name("." * level + name, (globals or {}).get("__package__"))
        if full in self._stand_ins:
            return self._stand_ins[full]
        return self.run(full) if full.startswith(f"{_PACKAGE}.") else __import__(name, globals, locals, fromlist or (), level)
