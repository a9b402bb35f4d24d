"""From a recipe to a checked runtime: from a cached graph, else by way of TensorFlow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from imgsearch.errors import DamagedCacheError, ImgsearchError
from imgsearch.networks.backbones import build
from imgsearch.networks.backbones.framework import limit_threads
from imgsearch.networks.runtimes import choices, graphs, litert, openvino, trial
from imgsearch.networks.runtimes.runtime import GRAPH_KINDS
from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from imgsearch.networks.runtimes.graphs import Graph
    from imgsearch.networks.runtimes.runtime import GraphKind, Runtime, RuntimeName
    from imgsearch.recipe import Recipe

LOG: Final = logging.getLogger(__name__)


def first_cached(
    recipe: Recipe, kinds: Iterable[GraphKind], *, threads: int | None
) -> Runtime | None:
    """Return the runtime of the first kind with an intact graph in the cache, or None."""
    for kind in kinds:
        if not _is_installed(kind):
            continue
        try:
            graph = graphs.load(graphs.GraphKey.of(recipe, kind))
            if graph is not None:
                return _execute(graph, kind, recipe, threads=threads)
        except DamagedCacheError as error:
            LOG.info("%s", error)
    return None


def fastest(recipe: Recipe, *, threads: int | None) -> Runtime:
    """Return the runtime with the highest throughput on this machine.

    It is measured once per `ChoiceKey`, and remembered. If there is a GPU, TensorFlow is always
    among the candidates.

    Raises:
        WeightsUnavailableError: the weights are no longer on this machine.
    """
    key = choices.ChoiceKey.of(recipe, threads)
    chosen = choices.load(key)
    if chosen == "tensorflow":
        return named(recipe, chosen, threads=threads)
    if chosen is not None:
        executor = first_cached(recipe, [chosen], threads=threads)
        if executor is not None:
            return executor
    candidates = []
    # Only TensorFlow uses a GPU, so comparing the cached graphs would not be enough.
    possible = (
        []
        if key.accelerators
        else [kind for kind in GRAPH_KINDS if _obstacle(kind, recipe) is None]
    )
    for kind in possible:
        executor = first_cached(recipe, [kind], threads=threads)
        if executor is None:
            candidates = _prepare_all(recipe, threads=threads)
            break
        candidates.append(executor)
    else:
        if not candidates:
            candidates = _prepare_all(recipe, threads=threads)
    winner = candidates[0]
    if len(candidates) > 1:
        rates = {each.name: trial.images_per_second(recipe, each) for each in candidates}
        winner = max(candidates, key=lambda each: rates[each.name])
        listing = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
        LOG.info("runtime: %s is the fastest here (images/s: %s)", winner.name, listing)
    try:
        choices.save(key, _name(winner))
    except OSError as error:
        LOG.info("%s: the choice cannot be stored (%s)", graphs.folder(), error.strerror or error)
    return winner


def named(recipe: Recipe, runtime: RuntimeName, *, threads: int | None) -> Runtime:
    """Return the runtime of that name.

    Raises:
        ImgsearchError: it cannot run the network, or its embeddings differ from the reference's.
        WeightsUnavailableError: the weights are no longer on this machine.
    """
    if runtime != "tensorflow":
        obstacle = _obstacle(runtime, recipe)
        if obstacle is not None:
            raise _refusal(runtime, obstacle)
        executor = first_cached(recipe, [runtime], threads=threads)
        if executor is not None:
            return executor
    model, reference = _build(recipe, threads=threads)
    if runtime == "tensorflow":
        return _tensorflow(recipe, model, reference)
    LOG.info("preparing %s for this machine (once)", recipe.backbone)
    return _prepare(recipe, runtime, reference, threads=threads)


def _prepare_all(recipe: Recipe, *, threads: int | None) -> list[Runtime]:
    """Return every runtime that agrees with the reference, TensorFlow last."""
    model, reference = _build(recipe, threads=threads)
    LOG.info("preparing %s for this machine (once)", recipe.backbone)
    agreeing: list[Runtime] = []
    for kind in GRAPH_KINDS:
        obstacle = _obstacle(kind, recipe)
        if obstacle is None:
            try:
                agreeing.append(_prepare(recipe, kind, reference, threads=threads))
            except ImgsearchError as error:
                LOG.info("%s; another runtime runs %s instead", error, recipe.backbone)
        elif kind == "openvino":
            LOG.info("%s", _refusal(kind, obstacle))
    try:
        agreeing.append(_tensorflow(recipe, model, reference))
    except ImgsearchError as error:
        if not agreeing:
            raise
        LOG.info("%s", error)
    return agreeing


def _prepare(
    recipe: Recipe,
    kind: GraphKind,
    reference: TensorFlowRuntime,
    *,
    threads: int | None,
) -> Runtime:
    """Export the network, check that its embeddings agree, and cache the graph."""
    exporter = litert.export if kind == "litert" else openvino.export
    try:
        graph = exporter(reference.function)
        candidate = _execute(graph, kind, recipe, threads=threads)
        cosine = trial.agreement(recipe, reference, candidate)
    except Exception as error:  # a converter may raise anything; the reference still works
        raise _refusal(kind, f"it cannot run this network ({error})") from error
    _check_agreement(recipe, kind, cosine)
    try:
        graphs.save(graphs.GraphKey.of(recipe, kind), graph)
    except OSError as error:
        LOG.info(
            "%s: the exported graph cannot be stored (%s)",
            graphs.folder(),
            error.strerror or error,
        )
    return candidate


def _build(recipe: Recipe, *, threads: int | None) -> tuple[Any, TensorFlowRuntime]:
    """Return the network, and its TensorFlow runtime in float32."""
    if threads is not None:
        limit_threads(threads)
    model = build.build(recipe)
    return model, TensorFlowRuntime(model)


def _tensorflow(recipe: Recipe, model: Any, reference: TensorFlowRuntime) -> TensorFlowRuntime:  # noqa: ANN401  Keras has no types
    """Return the TensorFlow runtime in the recipe's precision."""
    if recipe.precision == "float32":
        return reference
    mixed = TensorFlowRuntime(model, precision=recipe.precision)
    _check_agreement(recipe, "tensorflow", trial.agreement(recipe, reference, mixed))
    return mixed


def _check_agreement(recipe: Recipe, runtime: RuntimeName, cosine: float) -> None:
    least = trial.LEAST_AGREEMENT[recipe.precision]
    # Written so that NaN is refused.
    if not cosine >= least:
        remedy = "; index with --precision float32" if recipe.precision == "bfloat16" else ""
        raise _refusal(
            runtime,
            f"its {recipe.precision} embeddings differ from TensorFlow's in float32 (cosine "
            f"{cosine:.6f}, expected at least {least}){remedy}",
        )


def _execute(graph: Graph, kind: GraphKind, recipe: Recipe, *, threads: int | None) -> Runtime:
    if kind == "litert":
        return litert.LiteRTRuntime(graph, threads=threads)
    return openvino.OpenVINORuntime(graph, precision=recipe.precision, threads=threads)


def _obstacle(kind: GraphKind, recipe: Recipe) -> str | None:
    """Return why this machine cannot run the recipe with this runtime, or None."""
    if not _is_installed(kind):
        return f"it is not installed (pip install {graphs.PACKAGES[kind]})"
    if recipe.precision == "bfloat16":
        if kind == "litert":
            return "it has no bfloat16 on CPUs"
        if not openvino.has_bfloat16():
            return "this processor has no bfloat16 arithmetic (index with --precision float32)"
    return None


def _is_installed(kind: GraphKind) -> bool:
    return graphs.installed_version(graphs.PACKAGES[kind]) is not None


def _refusal(runtime: RuntimeName, why: str) -> ImgsearchError:
    return ImgsearchError(f"runtime {runtime}: {why}")


def _name(runtime: Runtime) -> RuntimeName:
    return next(name for name in choices.RUNTIMES if name == runtime.name)
