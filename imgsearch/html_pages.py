"""What all pages of HTML have in common: how values enter them. Owner of Jinja2.

Names of files, folders, classes and cameras may hold anything, so every value is escaped unless a
template says otherwise, and invisible characters are spelled out.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from imgsearch.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment(package: str) -> Environment:
    """Return what renders the templates of a package, the same one every time.

    Besides its own they may include what lies in `page_parts`.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    parts = PackageLoader("imgsearch", "page_parts")
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), parts]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    """Spell out invisible characters in every text that enters the page."""
    if isinstance(value, PurePath):
        value = os.fspath(value)
    # Not in Markup, a subclass of str: its parts have already come through here.
    return printable(value) if type(value) is str else value


def render_alone(package: str, name: str, **values: object) -> str:
    """Return a page that holds all it needs, and that a browser lets load and run nothing else.

    Args:
        package: with the templates NAME.html, NAME.css and NAME.js; the first writes `policy`,
            `style` and `script` where they belong.
        name: of the page.
        values: for the template.
    """
    from markupsafe import Markup

    templates = environment(package)
    style, script = (templates.get_template(f"{name}.{end}").render() for end in ("css", "js"))
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    return templates.get_template(f"{name}.html").render(
        policy=policy,
        style=Markup(style),  # noqa: S704 - this program's own
        script=Markup(script),  # noqa: S704 - likewise
        **values,
    )


def _digest(text: str) -> str:
    """Return how a content security policy names a text that may stand in the page."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"sha256-{digest}"
