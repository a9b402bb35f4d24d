"""Columns and index of a Milvus collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymilvus import DataType, MilvusClient

from imgsearch.services.milvus.rows import LEAST_DIM

if TYPE_CHECKING:
    from pymilvus import CollectionSchema
    from pymilvus.milvus_client.index import IndexParams


def schema_of(dim: int, description: str = "") -> CollectionSchema:
    """Return the columns of a collection for vectors of a length."""
    schema = MilvusClient.create_schema(
        auto_id=False, enable_dynamic_field=False, description=description
    )
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=max(dim, LEAST_DIM))
    for name in ("id", "since", "mark", "parts", "width", "height"):
        schema.add_field(name, DataType.INT64)
    for name in ("latitude", "longitude"):
        schema.add_field(name, DataType.DOUBLE)
    for name in ("content", "format", "taken", "camera", "lens"):
        schema.add_field(name, DataType.VARCHAR, max_length=1100)
    schema.add_field("about", DataType.VARCHAR, max_length=65_535)
    schema.add_field("folders", DataType.ARRAY, element_type=DataType.INT64, max_capacity=4096)
    return schema


def index_of() -> IndexParams:
    """Return the index of the vectors."""
    index = MilvusClient.prepare_index_params()
    index.add_index(
        "vector",
        index_type="HNSW",
        metric_type="IP",
        params={"M": 16, "efConstruction": 200},
    )
    return index
