"""How embeddings lie in files: the names of the layouts, of their files and of their columns."""

from __future__ import annotations

from typing import Final, Literal, get_args

Layout = Literal["npy", "parquet", "clip-retrieval"]
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

RECIPE: Final = "recipe.json"  # written last: without it, an export is not whole
VERDICTS: Final = "verdicts.jsonl"
ROOTS: Final = "roots"  # of each path, its root: a column of exports alone

# Of each layout, the file of the embeddings and the one that says whose they are: row n of one
# belongs to row n of the other, or they are one file.
FILES: Final[dict[Layout, tuple[str, str]]] = {
    "npy": ("embeddings.npy", "contents.jsonl"),
    "parquet": ("embeddings.parquet", "embeddings.parquet"),
    "clip-retrieval": ("img_emb/img_emb_0.npy", "metadata/metadata_0.parquet"),
}

EMBEDDING_COLUMNS: Final = ("embedding", "embeddings", "image_embedding", "emb", "vector")
# What holds a picture's place, the first of them that is there.
PATH_COLUMNS: Final = (
    *("paths", "path", "image_path", "file_path", "filepath", "file_name", "filename", "file"),
    *("image", "url"),
)
CONTENT_COLUMNS: Final = ("content", "sha256")
WHOLE_COLUMNS: Final = ("bytes", "width", "height", "orientation")
TEXT_COLUMNS: Final = ("format", "taken", "camera", "lens")
NUMBER_COLUMNS: Final = ("latitude", "longitude")
