"""Registering roots that are addresses: by their names alone, for nothing else is known of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imgsearch import addresses, paths

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


def locate(store: Store, address: Path, suffixes: frozenset[str]) -> tuple[Root, bytes]:
    """Return the root that an address lies in, a new one if need be, and the part of it.

    The name says whether it is a file's; only then is what lies above it a root of single files.

    Args:
        store: in a transaction.
        address: of a folder or file.
        suffixes: of files' names, in lower case.
    """
    roots = {root.path: root for root in store.roots() if root.is_address}
    is_file = addresses.is_file_name(address.name, suffixes)
    for folder in (address, *address.parents):
        root = roots.get(folder)
        if root and (root.recursive or (is_file and folder == address.parent)):
            return root, paths.relative_to(address, folder) or b""
    if is_file:
        root = store.add_root(address.parent, recursive=False)
        return root, paths.relative_to(address, address.parent) or b""
    known = roots.get(address) or store.add_root(address, recursive=True)
    root = replace(known, recursive=True)
    store.update_root(root)
    for inner in roots.values():
        below = paths.relative_to(inner.path, address)
        if inner.id != root.id and below:
            store.absorb_root(inner, root, below)
    return root, b""
