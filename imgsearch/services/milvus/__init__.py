"""Milvus as a search service. Owner of pymilvus.

At `milvus://host/photos`, the alias `photos` names the collection that readers see, one of those
called `photos__NUMBER_SPACE`, and an alias `photos__seen_VERSION_TIME` of it says which version.
Rows are never changed: a draft adds rows of the next version, which nobody sees, and a head, which
says what rows (superseded or removed) it no longer has, before the alias is made. These rows are
deleted an hour later, so that who reads goes on in the state that was opened. Of what Milvus can do
at one moment, making and altering aliases alone outlives its being killed; a collection's
properties, where all this might stand, do not. It has no locks: whoever makes the collection
`photos__lock_NUMBER` is the writer (`writer_lock.py`).
"""
