"""What all pages of HTML have in common: how values enter them. Owner of Jinja2.

Names of files, folders, classes and cameras may hold anything, so every value is escaped unless a
template says otherwise, and invisible characters are spelled out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from imgsearch.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment(package: str) -> Environment:
    """Return what renders the templates of a package, the same one every time."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    """Spell out invisible characters in every text that enters the page."""
    # Not in Markup, a subclass of str: its parts have already come through here.
    return printable(value) if type(value) is str else value
