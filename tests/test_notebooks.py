"""Every notebook runs from top to bottom in a fresh kernel."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
@pytest.mark.usefixtures("trained")
def test_runs(path: Path, project: Path) -> None:
    folder = project / "notebooks"
    folder.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "data" / "incoming", project / "data" / "incoming", dirs_exist_ok=True)
    notebook = nbformat.read(shutil.copy(path, folder), as_version=4)
    done = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
