"""The objects of the interface: their keys and types, in the words of docs/json.md.

A key that ends in "?" may be absent. A type is "text", "integer", "number", "boolean", the name of
a shape, a type "or null", "list of" a type, which may be "or null" itself, or "numbers", a list
that as a whole may be null.
"""

from __future__ import annotations

from typing import Final

Shape = dict[str, str]

_PATH: Final[Shape] = {"path": "text", "path_base64?": "text"}
_ROOT: Final[Shape] = {"root": "text", "root_base64?": "text"}
_FILTERS: Final[Shape] = {
    "under?": "list of text",
    "after?": "text or null",
    "before?": "text or null",
    "undated?": "text or null",
    "camera?": "text or null",
    "lens?": "text or null",
    "near?": "list of number",
    "min_width?": "integer or null",
    "min_height?": "integer or null",
    "format?": "list of text",
}
_ENTRY: Final[Shape] = {
    "content": "text",
    **_PATH,
    **_ROOT,
    "folder": "text",
    "width": "integer",
    "height": "integer",
    "format": "text",
    "bytes": "integer",
    "taken": "text or null",
    "camera": "text or null",
    "lens": "text or null",
    "latitude": "number or null",
    "longitude": "number or null",
    "offline": "boolean",
    "copies": "integer",
    "colour": "text or null",
}
_HEAD: Final[Shape] = {"imgsearch": "text", "version": "integer"}
_LIST: Final[Shape] = {**_HEAD, "generation": "text"}

# What is sent.
SENT: Final[dict[str, Shape]] = {
    "asked": {
        "content?": "text or null",
        "upload?": "text or null",
        "crop?": "list of number",
        "weight?": "number or null",
        "minus?": "boolean or null",
    },
    "filters": _FILTERS,
    "expansion": {"k": "integer", "alpha?": "number or null"},
    "query": {
        "pictures": "list of asked",
        "filters?": "filters or null",
        "k?": "integer or null",
        "offset?": "integer or null",
        "min_score?": "number or null",
        "recipe?": "text or null",
        "expand?": "expansion or null",
        "kinds?": "boolean or null",
    },
    "pair": {"one": "asked", "other": "asked", "recipe?": "text or null"},
    "export request": {"contents": "list of text", "form": "text", "name?": "text or null"},
    "set request": {"contents": "list of text"},
    "reveal": {"file?": "integer or null"},
    "search request": {"kinds?": "list of text"},
    "verdict": {"one": "text", "other": "text", "same": "boolean"},
    "decision": {"id": "text", "keep?": "list of text", "drop?": "list of text"},
    "decisions": {"groups": "list of decision"},
}
# What is given: documents, by their kind, and what they are made of.
GIVEN: Final[dict[str, Shape]] = {
    "entry": _ENTRY,
    "match": {"rank": "integer", "score": "number", "kind": "text or null", **_ENTRY},
    "fault": {"code": "text", "message": "text"},
    "error": {**_HEAD, "error": "fault"},
    "root": {**_PATH, "folder": "text", "online": "boolean", "files": "integer"},
    "held recipe": {
        "identifier": "text",
        "name": "text",
        "backbone": "text",
        "dim": "integer",
        "primary": "boolean",
        "embeddings": "integer",
    },
    "abilities": {
        "reveal": "boolean",
        "links": "boolean",
        "map": "boolean",
        "duplicates": "boolean",
    },
    "limits": {
        "upload_bytes": "integer",
        "upload_pixels": "integer",
        "uploads": "integer",
        "pictures": "integer",
        "matches": "integer",
        "export": "integer",
    },
    "info": {
        **_LIST,
        "name": "text",
        "gallery": "text",
        "gallery_base64?": "text",
        "release": "text",
        "files": "integer",
        "contents": "integer",
        "unreadable": "integer",
        "roots": "list of root",
        "recipes": "list of held recipe",
        "can": "abilities",
        "limits": "limits",
    },
    "section": {
        "key": "text or null",
        "count": "integer",
        "path?": "text",
        "path_base64?": "text",
        "name?": "text",
    },
    "timeline": {
        **_LIST,
        "order": "text",
        "total": "integer",
        "ratios": "list of integer",
        "sections": "list of section",
    },
    "contents": {
        **_LIST,
        "total": "integer",
        "offset": "integer",
        "contents": "list of entry or null",
    },
    "month": {"month": "text or null", "count": "integer"},
    "value": {"value": "text or null", "count": "integer"},
    "facets": {
        **_LIST,
        "total": "integer",
        "months": "list of month",
        "cameras": "list of value",
        "lenses": "list of value",
        "formats": "list of value",
        "located": "list of list of number",
    },
    "folder": {
        "folder": "text",
        **_PATH,
        "name": "text",
        "contents": "integer",
        "children": "integer",
        "online": "boolean",
    },
    "folders": {**_LIST, "folders": "list of folder"},
    "unreadable file": {
        **_PATH,
        **_ROOT,
        "folder": "text",
        "reason": "text",
        "offline": "boolean",
    },
    "unreadable": {
        **_LIST,
        "total": "integer",
        "offset": "integer",
        "files": "list of unreadable file",
    },
    "held file": {
        **_PATH,
        **_ROOT,
        "folder": "text",
        "offline": "boolean",
        "hard_link": "boolean",
    },
    "detail": {"name": "text", "value": "text"},
    "content": {
        **_LIST,
        **_ENTRY,
        "files": "list of held file",
        "inline": "boolean",
        "details": "list of detail",
        "total": "integer",
        "position": "integer or null",
        "previous": "text or null",
        "next": "text or null",
    },
    "upload": {
        **_HEAD,
        "upload": "text",
        "content": "text",
        "held": "boolean",
        "width": "integer",
        "height": "integer",
        "format": "text",
    },
    "answer": {
        **_LIST,
        "recipe": "text",
        "offset": "integer",
        "more": "boolean",
        "matches": "list of match",
        "remarks": "list of text",
        "seconds": "number",
    },
    "comparison": {
        **_HEAD,
        "recipe": "text",
        "score": "number",
        "raw_score": "number",
        "same_content": "boolean",
    },
    "export": {
        **_HEAD,
        "contents": "integer",
        "missing": "integer",
        "href": "text or null",
        "folder": "text or null",
    },
    "member": {
        **_ENTRY,
        "kind": "text",
        "certainty": "number",
        "changes": "list of text",
        "transform": "numbers or null",
    },
    "companion": {**_PATH, "of": "text", "of_base64?": "text", "reason": "text"},
    "group": {
        "id": "text",
        "kind": "text",
        "certainty": "number",
        "keeper": "entry",
        "members": "list of member",
        "companions": "list of companion",
    },
    "duplicates": {
        **_HEAD,
        "state": "text",
        "progress": "number",
        "reason": "text",
        "total": "integer",
        "offset": "integer",
        "groups": "list of group",
    },
    "map cluster": {
        "size": "integer",
        "x": "number",
        "y": "number",
        "central": "list of text",
        "point": "integer",
    },
    "map": {
        **_LIST,
        "drawing": "text",
        "kept": "boolean",
        "method": "text",
        "total": "integer",
        "added": "integer",
        "removed": "integer",
        "outgrown": "boolean",
        "levels": "list of integer",
        "clusters": "list of map cluster",
    },
    "saved plan": {**_HEAD, **_PATH, "command": "text"},
    "set in a list": {"name": "text", "count": "integer", "changed": "text"},
    "sets": {**_HEAD, "sets": "list of set in a list"},
    "kept content": {
        key if key == "content" else f"{key.removesuffix('?')}?": kind
        for key, kind in _ENTRY.items()
    },
    "set": {**_HEAD, "name": "text", "changed": "text", "contents": "list of kept content"},
}
