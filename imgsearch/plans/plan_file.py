"""Plans as documents that a person can read, keep, and take entries out of.

A digest over the whole document tells whether it is as it was written. Every file that is to go has
one of its own, over itself, its keeper and what the plan is about; so when entries were taken out,
those that are left are still known to be as they were.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgsearch.duplicates.groups import Kind
from imgsearch.errors import PlanRefusedError, UsageError
from imgsearch.files import write_atomically
from imgsearch.plans.digests import digest
from imgsearch.plans.plan import (
    KeepRule,
    LeftFile,
    Plan,
    PlannedFile,
    PlannedGroup,
    PlannedRemoval,
)
from imgsearch.text import path_keys, path_of

if TYPE_CHECKING:
    Json = dict[str, Any]

VERSION: Final = 1


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan; an existing file is replaced, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(plan_keys(plan), indent=2, allow_nan=False)
    write_atomically(Path(path), [text.encode("ascii") + b"\n"])


def read_plan(path: str | Path, *, edited: bool = False) -> Plan:
    """Read a plan.

    Args:
        path: of its file.
        edited: entries may have been taken out since it was written; nothing else.

    Raises:
        OSError: the file cannot be read.
        UsageError: it is no plan, or of another version.
        PlanRefusedError: it is not as it was written.
    """
    path = Path(path)
    try:
        keys = json.loads(path.read_bytes())
        if not isinstance(keys, dict) or keys.get("imgsearch") != "plan":
            raise UsageError(f"{path}: no plan; `imgsearch duplicates --plan FILE` writes one")
        if keys.get("version") != VERSION:
            raise UsageError(
                f"{path}: a plan of version {keys.get('version')!r}, and this imgsearch reads "
                f"{VERSION}; make it again with `imgsearch duplicates --plan`"
            )
        plan = _plan(keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        detail = f"misses {error}" if isinstance(error, KeyError) else str(error)
        raise PlanRefusedError(f"{path}: no plan as imgsearch writes it: {detail}") from error
    if keys["digest"] == digest(keys):
        return plan
    if not edited:
        raise PlanRefusedError(
            f"{path}: changed since it was made, so nothing was done; if all that was done is to "
            "take out entries, say --edited, else make it again"
        )
    _check_entries(path, keys)
    return plan


def digest_of(plan: Plan) -> str:
    """Return the digest of a plan's document: SHA-256, 64 hexadecimal digits."""
    return str(plan_keys(plan)["digest"])


def plan_keys(plan: Plan) -> Json:
    """Return a plan as a JSON document."""
    keys: Json = {
        "imgsearch": "plan",
        "version": VERSION,
        **path_keys(plan.gallery, "gallery"),
        "gallery_id": plan.gallery_id,
        "recipe": plan.recipe,
        "made": plan.made,
        "keep": [str(rule) for rule in plan.keep],
        "prefer": [path_keys(folder) for folder in plan.prefer],
        "protect": [path_keys(folder) for folder in plan.protect],
        "kinds": [str(kind) for kind in plan.kinds],
        "files": plan.files,
        "bytes": plan.bytes,
        "certainty": plan.certainty,
        "groups": [],
        "left": [_left_keys(left) for left in plan.left],
    }
    head = _head(keys)
    for group in plan.groups:
        keeper = {
            **_file_keys(group.keeper),
            "action": "keep",
            "reason": group.reason,
        }
        keys["groups"].append(
            {
                "keeper": keeper,
                "remove": [_removal_keys(item, keeper, head) for item in group.removals],
                "left": [_left_keys(left) for left in group.left],
            }
        )
    keys["digest"] = digest(keys)
    return keys


def _head(keys: Json) -> Json:
    """Return what an entry depends on besides itself and its keeper."""
    return {name: keys[name] for name in ("gallery_id", "made", "protect", "kinds")}


def _file_keys(file: PlannedFile) -> Json:
    return {
        **path_keys(file.path),
        **path_keys(file.root, "root"),
        "content": file.content,
        "bytes": file.bytes,
        "mtime_ns": file.mtime_ns,
        "device": file.device,
        "inode": file.inode,
    }


def _removal_keys(item: PlannedRemoval, keeper: Json, head: Json) -> Json:
    keys = {
        **_file_keys(item.file),
        "action": "remove",
        "kind": str(item.kind),
        "certainty": item.certainty,
        "changes": list(item.changes),
        "reason": item.reason,
        "only_here": list(item.only_here),
    }
    return {**keys, "digest": digest({"head": head, "keeper": keeper, "entry": keys})}


def _left_keys(left: LeftFile) -> Json:
    return {**path_keys(left.path), "action": "leave", "reason": left.reason}


def _check_entries(path: Path, keys: Json) -> None:
    """See that every entry that is left is as it was written.

    Raises:
        PlanRefusedError: one is not.
    """
    head = _head(keys)
    for group in keys["groups"]:
        for entry in group["remove"]:
            seal = digest({"head": head, "keeper": group["keeper"], "entry": _unsealed(entry)})
            if entry["digest"] != seal:
                raise PlanRefusedError(
                    f"{path}: the entry of {entry['path']} was changed, not taken out, so nothing "
                    "was done; make the plan again"
                )


def _unsealed(entry: Json) -> Json:
    return {name: value for name, value in entry.items() if name != "digest"}


def _plan(keys: Json) -> Plan:
    return Plan(
        gallery=path_of(keys, "gallery"),
        gallery_id=_text(keys, "gallery_id"),
        recipe=None if keys["recipe"] is None else _text(keys, "recipe"),
        made=_text(keys, "made"),
        keep=tuple(KeepRule(rule) for rule in keys["keep"]),
        prefer=tuple(path_of(folder) for folder in keys["prefer"]),
        protect=tuple(path_of(folder) for folder in keys["protect"]),
        kinds=tuple(Kind(kind) for kind in keys["kinds"]),
        groups=tuple(_group(group) for group in keys["groups"]),
        left=tuple(_left(left) for left in keys["left"]),
    )


def _group(keys: Json) -> PlannedGroup:
    return PlannedGroup(
        keeper=_file(keys["keeper"]),
        reason=_text(keys["keeper"], "reason"),
        removals=tuple(_removal(entry) for entry in keys["remove"]),
        left=tuple(_left(left) for left in keys["left"]),
    )


def _removal(keys: Json) -> PlannedRemoval:
    if keys["action"] != "remove":
        raise ValueError(f"action {keys['action']!r} of a file in 'remove'; take the entry out")
    return PlannedRemoval(
        file=_file(keys),
        kind=Kind(keys["kind"]),
        certainty=float(keys["certainty"]),
        changes=tuple(map(str, keys["changes"])),
        reason=_text(keys, "reason"),
        only_here=tuple(map(str, keys["only_here"])),
    )


def _left(keys: Json) -> LeftFile:
    return LeftFile(path=path_of(keys), reason=_text(keys, "reason"))


def _file(keys: Json) -> PlannedFile:
    device, inode = (None if keys[n] is None else _number(keys, n) for n in ("device", "inode"))
    return PlannedFile(
        path=path_of(keys),
        root=path_of(keys, "root"),
        content=_text(keys, "content"),
        bytes=_number(keys, "bytes"),
        mtime_ns=_number(keys, "mtime_ns"),
        device=device,
        inode=inode,
    )


def _text(keys: Json, name: str) -> str:
    if not isinstance(keys[name], str):
        raise TypeError(f"{name!r} is no text: {keys[name]!r}")
    return str(keys[name])


def _number(keys: Json, name: str) -> int:
    if type(keys[name]) is not int:
        raise TypeError(f"{name!r} is no whole number: {keys[name]!r}")
    return int(keys[name])
