"""Keras starts without a word, on the settings that are needed, and nothing real is swallowed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from imgsearch.errors import ImgsearchError
from imgsearch.networks import framework_noise
from imgsearch.networks.backbones import framework

pytestmark = pytest.mark.tensorflow


def test_keras_starts_and_computes_without_a_word_on_stdout_or_stderr() -> None:
    """TensorFlow greets in C++, before any setting is read."""
    program = (
        "from imgsearch.networks.backbones.framework import limit_threads, load_keras\n"
        "limit_threads(1)\n"
        "keras = load_keras()\n"
        "keras.layers.Dense(1)(keras.ops.ones((1, 1)))\n"
        "import tensorflow\n"
        "assert tensorflow.config.threading.get_intra_op_parallelism_threads() == 1\n"
        "limit_threads(2)  # too late, and no error\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_greetings_are_dropped_and_anything_else_comes_late(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with framework_noise.without_greetings():
        os.write(2, b"I0000 00:00 port.cc:153] oneDNN custom operations are on. You may see\n")
        os.write(2, b"something is really wrong\n")
        assert capfd.readouterr().err == ""
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "something is really wrong\nafterwards\n"


def test_what_was_held_back_comes_out_when_the_start_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def start() -> None:
        with framework_noise.without_greetings():
            os.write(2, b"cannot map the segment\n")
            raise ImportError

    with pytest.raises(ImportError):
        start()
    assert capfd.readouterr().err == "cannot map the segment\n"


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("backend", "torch", "tensorflow"),
        ("image_data_format", "channels_first", "channels_last"),
        ("floatx", "float16", "float32"),
    ],
)
def test_settings_that_would_change_the_embeddings_are_refused(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, expected: str
) -> None:
    """Users set these in keras.json or in the environment."""
    keras = framework.load_keras()
    monkeypatch.setattr(keras.config, setting, lambda: value)
    with pytest.raises(
        ImgsearchError, match=f"{setting} '{value}', but imgsearch needs '{expected}'"
    ):
        framework.load_keras()
