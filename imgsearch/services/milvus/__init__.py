"""Milvus as a search service. Owner of pymilvus.

At `milvus://host/photos`, the alias `photos` names the collection that readers see, one of those
called `photos__NUMBER_SPACE`. Its rows are never changed: a draft adds rows of the next version,
which nobody sees, and then one row, the head, that says which version is seen and which rows
(superseded or removed) no longer are. These are deleted an hour later, so that who reads goes on in
the state that was opened. Milvus has no locks: whoever makes the collection `photos__lock_NUMBER`
is the writer (`writer_lock.py`).
"""
