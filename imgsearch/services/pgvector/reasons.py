"""What to say of an error of PostgreSQL's."""

from __future__ import annotations

import psycopg
from psycopg import errors


def reason(error: psycopg.Error) -> str:
    """Return what went wrong and what helps.

    What a server says may repeat rows, so it is not repeated. libpq, which says why there is no
    connection, repeats no password.
    """
    name = f"{type(error).__name__}, SQLSTATE {error.sqlstate}"
    if isinstance(error, errors.InsufficientPrivilege):
        return (
            f"this user may not do that ({name}): docs/scaling.md says which rights readers need; "
            "to publish, CREATE on the database, or to own the schema imgsearch"
        )
    if isinstance(error, psycopg.OperationalError):
        said = name if error.sqlstate else str(error).strip().partition("\n")[0]
        return (
            f"{said}; the address, PGUSER, PGPASSWORD or ~/.pgpass may be wrong, or the server "
            "away: try again, nothing that was published is lost"
        )
    return f"the server refused a statement ({name}); nothing that was published is lost"
