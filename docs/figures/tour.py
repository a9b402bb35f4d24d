"""Draw the README's other pictures by running the program on the sample pictures.

    python docs/figures/tour.py

* `combined.jpg`: a crop, two images together, and one image away from another, with the matches;
* `session.svg`: what a terminal shows of `index`, a renamed folder, `index` again and `info`;
* `evaluation.svg`: the plot of an `imgsearch evaluate` report of two backbones.

The last one needs MobileNetV2's weights (`KERAS_HOME` names a folder that has them). Its speeds are
those of the machine that runs the script.
"""

# ruff: noqa: INP001  # a script beside the documents that it illustrates

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from imgsearch import CropBox, Gallery

if TYPE_CHECKING:
    from imgsearch import Match

FIGURES: Final = Path(__file__).parent
SAMPLES: Final = FIGURES.parents[1] / "sample_data"
PHOTOS: Final = SAMPLES / "photos"

TILE: Final = 116
GAP: Final = 8
SIGN: Final = 22
CAPTION: Final = 20
MATCHES: Final = 5
INK: Final = (32, 33, 36)
FAINT: Final = (112, 117, 122)
FRAME: Final = (213, 94, 0)

COLUMNS: Final = 84
THEME: Final = TerminalTheme(
    (250, 250, 250), (36, 41, 47), [(36, 41, 47)] * 8, [(110, 119, 129)] * 8
)
# Rich's own format loads fonts from the web.
TERMINAL: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#fafafa" stroke="#d0d7de"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
# The report's style sheet takes its colours from the page; a picture has none around it.
PLOT_STYLE: Final = """
svg { font: 11.5px Verdana, "DejaVu Sans", sans-serif; fill: #222; background: #fff; }
.grid { stroke: #ddd; } .axis { stroke: #777; } .tick, .title { fill: #666; }
.front { fill: none; stroke: #D55E00; stroke-width: 1.2; stroke-dasharray: 4 4; }
.error { stroke: #999; } circle { fill: #8C8C8C; } .best circle { fill: #D55E00; }
"""


@dataclass(frozen=True)
class Question:
    """A row of `combined.jpg`.

    Attributes:
        caption: the options that ask it.
        images: paths beneath the sample photos; what matches should resemble.
        minus: the same; what they should not resemble.
        crop: the part of the first image that is asked about.
    """

    caption: str
    images: tuple[str, ...]
    minus: tuple[str, ...] = ()
    crop: CropBox | None = None


QUESTIONS: Final = (
    Question(
        "armchair_2.jpg --crop 0%,0%,35%,55%",
        ("living_room/armchair_2.jpg",),
        crop=CropBox(0, 0, 35, 55, percent=True),
    ),
    Question("teapot_1.jpg tulips_1.jpg", ("kitchen/teapot_1.jpg", "living_room/tulips_1.jpg")),
    Question(
        "log_cabin_1.jpg --minus snowman.jpg",
        ("winter/log_cabin_1.jpg",),
        minus=("winter/snowman.jpg",),
    ),
)


def tile(path: Path, crop: CropBox | None = None) -> Image.Image:
    """Return an image on a white square, the crop framed."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    if crop is not None:
        width, height = image.size
        left, top = crop.left / 100 * width, crop.top / 100 * height
        box = (left, top, left + crop.width / 100 * width, top + crop.height / 100 * height)
        ImageDraw.Draw(image).rectangle(box, outline=FRAME, width=10)
    image.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (TILE, TILE), "white")
    square.paste(image, ((TILE - image.width) // 2, (TILE - image.height) // 2))
    return square


def draw(rows: list[tuple[Question, list[Match]]]) -> Image.Image:
    """Return the figure with a row for each question."""
    matches_left = 2 * TILE + SIGN + 3 * GAP + SIGN
    width = matches_left + MATCHES * (TILE + GAP)
    figure = Image.new("RGB", (width, len(rows) * (TILE + CAPTION + GAP)), "white")
    pen = ImageDraw.Draw(figure)
    font = ImageFont.load_default(13)
    for number, (question, matches) in enumerate(rows):
        top = number * (TILE + CAPTION + GAP)
        left = 0
        for place, name in enumerate((*question.images, *question.minus)):
            if place:
                across, down = left + SIGN // 2 - GAP // 2, top + TILE // 2
                pen.line((across - 5, down, across + 5, down), fill=INK, width=2)
                if place < len(question.images):
                    pen.line((across, down - 5, across, down + 5), fill=INK, width=2)
                left += SIGN
            figure.paste(tile(PHOTOS / name, None if place else question.crop), (left, top))
            left += TILE + GAP
        pen.text((2, top + TILE + 3), question.caption, fill=FAINT, font=font)
        for column, match in enumerate(matches):
            left = matches_left + column * (TILE + GAP)
            figure.paste(tile(match.path), (left, top))
            pen.text((left + 2, top + TILE + 3), f"{match.score:.2f}", fill=INK, font=font)
    return figure


def combined(folder: Path) -> None:
    """Draw `combined.jpg`."""
    with Gallery(folder / "combined.gallery", recipe="compact") as gallery:
        gallery.index(PHOTOS)
        rows = [
            (
                question,
                gallery.query(
                    *(PHOTOS / name for name in question.images),
                    minus=[PHOTOS / name for name in question.minus],
                    crop=question.crop,
                    k=MATCHES,
                ),
            )
            for question in QUESTIONS
        ]
    draw(rows).save(FIGURES / "combined.jpg", quality=74, optimize=True)


def run(command: str, *, folder: Path) -> str:
    """Run an imgsearch command in a folder and return all that it prints."""
    arguments = command.removeprefix("imgsearch ").split()
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", "imgsearch", *arguments, "--gallery", "photos.gallery"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout.replace(f"{folder}/", "")


def session(folder: Path) -> None:
    """Draw `session.svg`; a run before it chooses the runtime, which a machine does once."""
    run("imgsearch index photos/city/skyline.jpg --backbone compact", folder=folder)
    shutil.rmtree(folder / "photos.gallery")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for command in (
        "imgsearch index photos --backbone compact",
        "mv photos/beach photos/seaside",
        "imgsearch index",
        "imgsearch info",
    ):
        console.print(Text(f"$ {command}", style="bold"))
        if command.startswith("mv "):
            _, old, new = command.split()
            (folder / old).rename(folder / new)
            continue
        for line in run(command, folder=folder).splitlines():
            if not line.startswith("Hint:"):
                console.print(Text(line), soft_wrap=True, highlight=False)
        console.print()
    console.save_svg(
        str(FIGURES / "session.svg"), theme=THEME, code_format=TERMINAL, unique_id="terminal"
    )


def evaluation(folder: Path) -> None:
    """Draw `evaluation.svg`."""
    report = folder / "report.html"
    run(
        "imgsearch evaluate photos --group ([^/]+)_[1-4][.]jpg --backbone compact"
        " --backbone mobilenet_v2 --pooling gap --pooling rmac --projection none"
        f" --offline --report {report}",
        folder=folder,
    )
    page = report.read_text(encoding="utf-8")
    plot = re.search(r'<svg class="plot" (.*?>)(.*?)</svg>', page, flags=re.DOTALL)
    if plot is None:
        message = f"{report} holds no plot"
        raise SystemExit(message)
    (FIGURES / "evaluation.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="520" height="350" {plot[1]}'
        f'<style>{PLOT_STYLE}</style><rect width="520" height="350" fill="#fff"/>{plot[2]}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    """Draw all three."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        shutil.copytree(PHOTOS, folder / "photos")
        combined(folder)
        evaluation(folder)
        session(folder)


if __name__ == "__main__":
    main()
