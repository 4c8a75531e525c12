"""examples/channels.ipynb runs from top to bottom and shows what it says."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOK = EXAMPLES / "channels.ipynb"


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def execute(folder: Path):
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    # Without folders to look into, "python3" is the interpreter that runs this test.
    kernels = KernelSpecManager(kernel_dirs=[])
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
    notebook = read()
    client = nbclient.NotebookClient(
        notebook, km=kernel, timeout=300, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Outputs by cell, as run from the top of the repository, which the run does not change."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(EXAMPLES / "images", root / "examples" / "images")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        yield execute(root)


def text_of(outputs, cell: str) -> str:
    return "".join(output.text for output in outputs[cell] if output.output_type == "stream")


def picture_of(outputs, cell: str) -> np.ndarray:
    from matplotlib.image import imread

    (png,) = [output.data["image/png"] for output in outputs[cell] if "data" in output]
    return imread(io.BytesIO(base64.b64decode(png)))


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]


def test_it_is_stored_without_outputs():
    notebook = read()
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def test_nothing_is_reported_as_wrong(outputs):
    for cell, shown in outputs.items():
        assert all(output.output_type != "error" for output in shown), cell
        assert all(output.get("name") != "stderr" for output in shown), cell


def test_partial_sums_and_their_sum(outputs):
    parts = [19, 25, 37, 43, 37, 47, 67, 77]
    assert numbers_in(text_of(outputs, "partial-sums")) == [*parts, 56, 72, 104, 120]
    text = text_of(outputs, "multi-in")
    assert numbers_in(text)[:4] == [56, 72, 104, 120]
    assert "channel 0: 0 + 1 + 6 + 12 = 19" in text
    assert "channel 1: 1 + 4 + 12 + 20 = 37" in text


def test_one_map_per_output_channel(outputs):
    assert numbers_in(text_of(outputs, "multi-in-out")) == [
        *(3, 2, 2, 2),  # the shape
        *(56, 72, 104, 120),
        *(76, 100, 148, 172),
        *(96, 128, 192, 224),
    ]


def test_1x1_is_a_matrix_product(outputs):
    text = text_of(outputs, "one-by-one")
    assert "16384 weights, with biases 16448" in text
    differences = [float(number) for number in re.findall(r"at most (\S+)", text)]
    assert len(differences) == 3
    assert max(differences) < 1e-4


def test_costs(outputs):
    text = text_of(outputs, "count")
    outputs_of_layer, terms = 128 * 256 * 256, 128 * 5 * 5
    assert f"{outputs_of_layer * terms:,} multiplications" in text
    assert f"{outputs_of_layer * (terms - 1):,} additions" in text
    assert "53,678,702,592 operations" in text
    assert "26,592,477,184 multiplications with pixels" in text_of(outputs, "count-real")
    assert numbers_in(text_of(outputs, "double"))[:1] == [4]
    assert "0.125 times in 8 groups" in text_of(outputs, "double")


def test_products_with_pixels_are_counted_right():
    """The number above, counted by adding up ones that stand for pixels wherever a tap reads."""
    padded = np.pad(np.ones(256), 2)
    along_one_axis = sum(padded[i : i + 5].sum() for i in range(256))
    assert 128 * 128 * along_one_axis**2 == 26_592_477_184


def test_the_plan_is_explained(outputs):
    text = text_of(outputs, "explain")
    assert "problem   1x128x256x256,128x128x5x5,p2" in text
    assert "chosen" in text
    assert "refused" in text


def test_the_error_keeps_its_promise(outputs):
    largest, size, share = numbers_in(text_of(outputs, "errors"))
    assert 0 < largest < 1e-5 * size
    assert 0 < share < 1


@pytest.mark.parametrize(("cell", "maps"), [("photo", 3), ("kernels", 8), ("edges", 5)])
def test_pictures(outputs, cell, maps):
    picture = picture_of(outputs, cell)
    h, w = picture.shape[:2]
    assert 300 < h < 1200
    assert 800 < w < 1100
    rows = -(-maps // (4 if maps == 8 else 3))
    columns = 4 if maps == 8 else 3
    for index in range(maps):  # none of them is blank
        row, column = divmod(index, columns)
        part = picture[h * row // rows :, w * column // columns :][: h // rows, : w // columns, :3]
        assert part.std() > 0.05, f"map {index}"


def test_it_runs_in_its_own_folder_too(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shutil.copytree(EXAMPLES / "images", tmp_path / "images")
    assert picture_of(execute(tmp_path), "photo").size > 0
