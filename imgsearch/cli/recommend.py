# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch recommend`: choose a recipe for a folder of photos."""

import shlex
import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli import completion
from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.evaluate import network_source, watched_work
from imgsearch.cli.evaluate_options import WorkOptions
from imgsearch.cli.log_lines import log_as_details
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.tables import amount, counted, duration
from imgsearch.cli.terminal import FAINT, PLAIN, Line, Terminal, write_data
from imgsearch.documents import evaluation_documents, gallery_documents
from imgsearch.errors import UsageError
from imgsearch.recipe import HUB
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.recommendation import Recommendation
    from imgsearch.evaluation.results import GroundTruthResult, VariantResult
    from imgsearch.recipe import Recipe, RecipeRequest

COPIES: Final = (
    "The images are not sorted into class folders, so edited copies of them are the queries for "
    "their originals. That measures how well copies are found, not how well kinds of things are."
)


@dataclass(frozen=True)
class LadderOptions:
    """Which networks are tried, on how many images, for how long."""

    backbone: Annotated[
        list[str],
        typer.Option(
            "--backbone",
            metavar="NAME",
            autocompletion=completion.backbones,
            help="Try this network; may be repeated, tried in this order (default: those whose "
            "weights are on this machine, cheapest first).",
        ),
    ] = field(default_factory=list)
    minutes: Annotated[
        float,
        typer.Option("--minutes", metavar="M", min=0.1, help="Time limit (default: 10)."),
    ] = 10.0
    pictures: Annotated[
        int,
        typer.Option(
            "--pictures",
            metavar="N",
            min=8,
            help="Use at most this many images of a large folder (default: 2000).",
        ),
    ] = 2000
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            metavar="NAME",
            help="What counts, as for 'imgsearch evaluate'; may be repeated, the first decides "
            "(default: mAP; hit-rate@1 and hit-rate@10 are shown too).",
        ),
    ] = field(default_factory=list)
    download: Annotated[
        bool,
        typer.Option("--download", help="Also try networks whose weights have to be downloaded."),
    ] = False
    self_supervised: Annotated[
        bool,
        typer.Option(
            "--self-supervised", help="Ignore the folders; search for edited copies instead."
        ),
    ] = False
    json: JsonOption = False


def recommend(
    *,
    photos: Annotated[
        str,
        typer.Argument(metavar="PHOTOS", help="A folder of photos; each subfolder is a class."),
    ],
    ladder: LadderOptions,
    work: WorkOptions,
    settings: Settings,
) -> None:
    """Recommend a recipe for these photos, and say why.

    Tries networks from the cheapest to the most expensive while time is left, and recommends a
    more expensive one only if it is better beyond chance. Each subfolder is a class; without
    subfolders, the queries are edited copies of the images.
    """
    from imgsearch.evaluation.conditions import METRICS, Conditions
    from imgsearch.evaluation.metrics.metrics import parse_metric
    from imgsearch.evaluation.trials import networks_to_try, recommend

    metrics = tuple(dict.fromkeys([*ladder.metric, *METRICS]))
    for metric in metrics:
        parse_metric(metric)
    terminal = settings.terminal
    with (
        tempfile.TemporaryDirectory(prefix="imgsearch-") as temporary,
        watched_work(terminal, work, quiet=settings.quiet) as doing,
    ):
        truth = _ground_truth(photos, ladder, terminal)
        source = network_source()
        advice = recommend(
            truth,
            ladder.backbone or networks_to_try(download=ladder.download),
            source=source,
            cache=work.embedding_cache(Path(temporary)),
            resolve=partial(_resolve, source, offline=not ladder.download),
            conditions=Conditions(minutes=ladder.minutes, metrics=metrics),
            work=doing,
        )
    command = shlex.join(["imgsearch", "index", photos, *_index_options(advice)])
    lines = _lines(advice, command)
    if ladder.json:
        terminal.say_lines(lines)
        write_data(
            gallery_documents.dump(
                "recommendation", evaluation_documents.recommendation_keys(advice, command)
            )
        )
    else:
        from imgsearch.cli.evaluation_table import evaluation_lines, legend_lines

        shown = advice.tried if settings.verbose else leading(advice)
        table = evaluation_lines(shown, metrics=metrics)
        terminal.say_lines([*table, *legend_lines([shown]), []])
        terminal.show(lines)
    if advice.unreadable:
        terminal.warn(f"{counted(len(advice.unreadable), 'file')} could not be read, left out")
        raise typer.Exit(SOME_UNREADABLE)


def _resolve(source: "NetworkSource", request: "RecipeRequest", *, offline: bool) -> "Recipe":
    """Resolve one of many candidates, logging its choice with `--verbose` only."""
    with log_as_details():
        return source.resolve(request, offline=offline)


def leading(advice: "Recommendation") -> "GroundTruthResult":
    """Return what was tried, with only the best variant of each network and input.

    The first one and the chosen one stay, whatever they reach, and so do the chosen one's
    embeddings with every other projection.
    """
    kept: dict[tuple[str, str, str], VariantResult] = {}
    for found in advice.tried.variants:
        key = (found.backbone, found.size, found.resize)
        if key not in kept or found.metrics[0].estimate.value > kept[key].metrics[0].estimate.value:
            kept[key] = found
    same = [found for found in advice.tried.variants if found.recipes == advice.chosen.recipes]
    names = {found.name for found in (*kept.values(), *same, advice.tried.variants[0])}
    return replace(
        advice.tried,
        variants=tuple(found for found in advice.tried.variants if found.name in names),
    )


def _ground_truth(photos: str, ladder: LadderOptions, terminal: Terminal) -> "GroundTruth":
    """Return the folder's classes, or edits if there are none, on at most `--pictures` images."""
    from imgsearch.evaluation.ground_truth.folders import read_folders
    from imgsearch.evaluation.ground_truth.image_files import find_image_files
    from imgsearch.evaluation.ground_truth.sampling import thinned
    from imgsearch.evaluation.ground_truth.self_supervised import ask_with_edits

    found = find_image_files(photos)
    if not ladder.self_supervised:
        try:
            (truth,) = read_folders(found)
        except UsageError:
            terminal.say(COPIES)
        else:
            if len({query.group for query in truth.queries}) > 1:
                return _thinned(truth, thinned(truth, ladder.pictures), terminal)
            terminal.say(COPIES)
    from imgsearch.evaluation.ground_truth.sampling import some_images

    (truth,) = ask_with_edits(some_images(found, ladder.pictures), originals=ladder.pictures // 20)
    return truth


def _thinned(truth: "GroundTruth", some: "GroundTruth", terminal: Terminal) -> "GroundTruth":
    if some is not truth:
        terminal.say(
            f"Using {amount(len(some.items))} of {counted(len(truth.items), 'image')}, "
            "drawn evenly from all folders."
        )
    return some


def _index_options(advice: "Recommendation") -> list[str]:
    """Return the options of `imgsearch index` that select the recipe."""
    ((recipe,),) = advice.variant.composition.parts
    if recipe.backbone.startswith(HUB):
        from imgsearch.networks.backbones.hub import folders

        # What is left out would be the preset's own.
        options = ["--backbone", folders.argument(recipe), "--pooling", recipe.pooling]
        return [*options, "--resize", recipe.resize, "--size", str(recipe.size)]
    name = recipe.backbone.partition("-")[0]
    options = ["--backbone", name]
    options += ["--pooling", recipe.pooling] if recipe.pooling != "gap" else []
    options += ["--resize", recipe.resize] if recipe.resize != "squash" else []
    from imgsearch.errors import UnknownBackboneError
    from imgsearch.networks.backbones import catalogue

    try:
        own = catalogue.find(name).size
    except UnknownBackboneError:
        own = None
    return options + (["--size", str(recipe.size)] if recipe.size != own else [])


def _lines(advice: "Recommendation", command: str) -> list[Line]:
    from imgsearch.vectors.projection_choice import DEFAULT, NONE

    chosen = advice.chosen
    lines: list[Line] = [[(advice.caveat, "yellow")]] if advice.caveat else []
    lines += [[("Use ", PLAIN), (_recipe_words(chosen), "bold"), (".", PLAIN)]]
    lines += [[(reason, PLAIN)] for reason in advice.reasons]
    for name, reason in advice.skipped:
        lines.append([(f"Not tried: {printable(name)}: {printable(reason)}.", FAINT)])
    lines += [
        [(f"took {duration(advice.seconds)}", FAINT)],
        [],
        [(printable(command), "green")],
    ]
    if advice.variant.projection == NONE and DEFAULT.applies_to(advice.tried.gallery):
        lines.append([("imgsearch query IMAGE --projection none", "green")])
    return lines


def _recipe_words(chosen: "VariantResult") -> str:
    return (
        f"{chosen.backbone}, {chosen.pooling} pooling, {chosen.size} px, {chosen.resize}, "
        f"projection {chosen.projection}"
    )
