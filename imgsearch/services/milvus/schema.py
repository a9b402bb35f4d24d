"""Columns and index of a Milvus collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.services.milvus.library import pymilvus
from imgsearch.services.milvus.rows import LEAST_DIM

if TYPE_CHECKING:
    from pymilvus import CollectionSchema
    from pymilvus.milvus_client.index import IndexParams


def schema_of(dim: int, description: str = "") -> CollectionSchema:
    """Return the columns of a collection for vectors of a length."""
    schema = pymilvus.MilvusClient.create_schema(
        auto_id=False, enable_dynamic_field=False, description=description
    )
    schema.add_field("row", pymilvus.DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=max(dim, LEAST_DIM))
    for name in ("id", "since", "mark", "parts", "width", "height"):
        schema.add_field(name, pymilvus.DataType.INT64)
    for name in ("latitude", "longitude"):
        schema.add_field(name, pymilvus.DataType.DOUBLE)
    for name in ("content", "format", "taken", "camera", "lens"):
        schema.add_field(name, pymilvus.DataType.VARCHAR, max_length=1100)
    schema.add_field("about", pymilvus.DataType.VARCHAR, max_length=65_535)
    schema.add_field(
        "folders", pymilvus.DataType.ARRAY, element_type=pymilvus.DataType.INT64, max_capacity=4096
    )
    return schema


def index_of() -> IndexParams:
    """Return the index of the vectors."""
    index = pymilvus.MilvusClient.prepare_index_params()
    index.add_index(
        "vector",
        index_type="HNSW",
        metric_type="IP",
        params={"M": 16, "efConstruction": 200},
    )
    return index
