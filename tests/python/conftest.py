"""What the tests of the Python package share: the length of a run, and other libraries' arrays."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

FULL = os.environ.get("PLAIT_FULL") == "1"


def one_machine(config: pytest.Config) -> None:
    """Describe the machine once, for this process and for those that tests start. The clock that a
    CPU reports, which predicted times depend on, may differ whenever it is asked."""
    if os.environ.get("PLAIT_MACHINE"):
        return
    file = tempfile.NamedTemporaryFile("w", prefix="plait-machine-", suffix=".txt")  # noqa: SIM115
    config.add_cleanup(file.close)
    info = [sys.executable, "-m", "plait", "info", "--describe"]
    subprocess.run(info, stdout=file, check=True)
    os.environ["PLAIT_MACHINE"] = file.name


def pytest_configure(config: pytest.Config) -> None:
    one_machine(config)
    config.addinivalue_line("markers", "full: takes long; runs in the full run only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if FULL:
        return
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="in the full run only"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In the full run everything is installed, so a skipped test is a failure."""
    outcome = yield
    report = outcome.get_result()
    if FULL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in the full run: {report.longrepr}"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


def _numpy_kind():
    return np.ndarray, lambda array: array


def _torch_kind():
    torch = importlib.import_module("torch")
    return torch.Tensor, torch.from_numpy


def _jax_kind():
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.Array, lambda array: jax.numpy.asarray(array)


def _tensorflow_kind():
    tensorflow = importlib.import_module("tensorflow")
    return tensorflow.Tensor, tensorflow.constant


_KINDS = {
    "numpy": _numpy_kind,
    "torch": _torch_kind,
    "jax": _jax_kind,
    "tensorflow": _tensorflow_kind,
}


@pytest.fixture(params=_KINDS)
def kind(request: pytest.FixtureRequest):
    """(name, type, function from numpy) of each kind of array that is installed."""
    try:
        array_type, from_numpy = _KINDS[request.param]()
    except ImportError as error:
        pytest.skip(f"{request.param} is not installed: {error}")
    return request.param, array_type, from_numpy
