"""Short names of variants: what sets each apart from the others, and what all share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.evaluation.results import VariantResult

PROJECTION: Final = "projection "
# Attributes of a result that describe the embeddings, and those that describe the search.
_RECIPE: Final = ("backbone", "pooling", "size", "resize")
_SEARCH: Final = ("projection", "post_processing")


def distinguishing_names(variants: Sequence[VariantResult]) -> tuple[str, ...]:
    """Return for each variant what sets it apart from the others, in few words.

    A lone variant, and variants that this would not tell apart, keep their full names.
    """
    full = tuple(variant.name for variant in variants)
    if len(variants) == 1:
        return full
    names = []
    for variant in variants:
        made = " ".join(_facet(variant, name) for name in _RECIPE if _varies(variants, name))
        after = (_facet(variant, name) for name in _SEARCH if _varies(variants, name))
        names.append(" · ".join(part for part in (made, *after) if part))
    return tuple(names) if len(set(names)) == len(names) and all(names) else full


def common_name(variants: Sequence[VariantResult]) -> str:
    """Return what all variants share, such as "224 px, squash"; empty for a single variant."""
    if len(variants) == 1:
        return ""
    shared = [name for name in (*_RECIPE, *_SEARCH) if not _varies(variants, name)]
    return ", ".join(text for name in shared if (text := _facet(variants[0], name)))


def _varies(variants: Sequence[VariantResult], name: str) -> bool:
    return len({getattr(variant, name) for variant in variants}) > 1


def _facet(variant: VariantResult, name: str) -> str:
    text = str(getattr(variant, name))
    if name == "projection":
        return f"{PROJECTION}{text}"
    return f"{text} px" if name == "size" and text.isdigit() else text
