"""PostgreSQL with pgvector as a search service. Owner of psycopg.

The schema `imgsearch` of a database holds *collection* (name, version), *version* (number,
collection, space, dim, description, stamp) and, for each version, the tables *entry_N* and
*file_N*. What readers see is the version that the row of *collection* names, in one snapshot of
the server's.
"""
