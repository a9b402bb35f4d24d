"""A process that was forked off goes on with networks, indexes and galleries of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

SECONDS = 90
# `ask` runs in a child made by fork. Python itself warns of threads in the parent.
HEAD = """
import multiprocessing, os, sys, threading, warnings
import numpy as np
warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
def ask(function, *arguments):
    def answer():
        try:
            answers.put(function(*arguments))
        except Exception as error:
            answers.put(f"{type(error).__name__}: {error}")
    answers = fork.SimpleQueue()
    child = fork.Process(target=answer, daemon=True)
    child.start()
    child.join(20)
    if child.is_alive():
        child.kill()
        return "the child hangs"
    return answers.get() if child.exitcode == 0 else f"the child left with {child.exitcode}"
"""
RUNTIMES = """
from backbone_fixtures import SIZE, random_images, tiny_network
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.runtimes import litert, openvino
from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime
network = tiny_network()
model = load_keras().Model(network.inputs[0], network.get_layer("second").output)
reference = TensorFlowRuntime(model)
runtimes = {
    "openvino": openvino.OpenVINORuntime(openvino.export(reference.function), threads=2),
    "litert": litert.LiteRTRuntime(litert.export(reference.function), threads=2),
}
batch = random_images(20, SIZE, seed=0).astype(np.float32)
for name, runtime in runtimes.items():
    maps = runtime.feature_maps(batch)
    child_maps = ask(runtime.feature_maps, batch)
    print(name, "the same" if np.array_equal(maps, child_maps) else child_maps)
print(ask(reference.feature_maps, batch))
print(ask(tiny_network))
"""
UNUSED = """
from backbone_fixtures import SIZE, random_images, tiny_network
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.runtimes import openvino
from imgsearch.networks.runtimes.tensorflow import concrete_function
network = tiny_network()
model = load_keras().Model(network.inputs[0], network.get_layer("second").output)
runtime = openvino.OpenVINORuntime(openvino.export(concrete_function(model)), threads=2)
runtime.feature_maps(random_images(20, SIZE, seed=0).astype(np.float32))
child = os.fork()
if child == 0:
    sys.exit(0)  # the interpreter shuts down as in any program
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
INDEX = """
from imgsearch.vectors.exact import ExactIndex
vectors = np.random.default_rng(0).random((20_000, 64), dtype=np.float32)
index = ExactIndex.build(np.arange(len(vectors)), vectors)
def nearest():
    return index.search(vectors[:200], 3)[0].tolist()
found = nearest()
child_found = ask(nearest)
print("the same" if found == child_found else child_found)
"""
GALLERY = """
from pathlib import Path
import conftest
folder = Path(sys.argv[1])
for seed in range(3):
    conftest.write_picture(folder / f"photos/{seed}.png", seed=seed)
new = conftest.write_picture(folder / "new.png", seed=9)
gallery = conftest.Gallery(folder / "gallery", source=conftest.FakeSource())
gallery.index(folder / "photos")
def asked():
    return [(match.score, str(match.path)) for match in gallery.query(new)]
answer, reader = asked(), gallery._connections.reader()
print("the same" if answer == ask(asked) else ask(asked))
print(ask(lambda: gallery._connections.reader() is reader))
print(gallery._connections.reader() is reader)
"""
LOCKED = """
import conftest
from imgsearch.networks.loaded import LoadedNetworks
began, go_on = threading.Event(), threading.Event()
class Slow(conftest.FakeSource):
    def load(self, recipe):
        if threading.current_thread() is not threading.main_thread():
            began.set()
            go_on.wait()
        return super().load(recipe)
source = Slow()
networks = LoadedNetworks(source)
recipe = source.resolve(conftest.RecipeRequest(), offline=True)
threading.Thread(target=networks.of, args=(recipe,)).start()
began.wait()
print(ask(lambda: networks.of(recipe).recipe == recipe))
go_on.set()
"""


def printed(program: str, *arguments: object) -> list[str]:
    """Run a program in a process of its own, and return the lines that it prints."""
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program, *map(str, arguments)],
        cwd=tests.parent,
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_exported_graphs_run_anew_in_a_child_and_tensorflow_says_why_it_can_not() -> None:
    openvino, litert, used, started = printed(RUNTIMES)
    assert openvino == "openvino the same"
    assert litert == "litert the same"
    for refusal in (used, started):
        assert refusal.startswith("ImgsearchError: TensorFlow was started before this process")
        assert '"spawn"' in refusal


def test_a_child_that_does_not_use_its_parents_network_ends_in_good_order() -> None:
    """Freeing the parent's thread pools crashed it."""
    assert printed(UNUSED) == ["0"]


def test_a_child_searches_its_parents_index() -> None:
    assert printed(INDEX) == ["the same"]


def test_a_child_queries_a_gallery_over_a_connection_of_its_own(tmp_path: Path) -> None:
    assert printed(GALLERY, tmp_path) == ["the same", "False", "True"]


def test_a_lock_that_a_thread_of_the_parent_holds_is_free_in_the_child() -> None:
    assert printed(LOCKED) == ["True"]
