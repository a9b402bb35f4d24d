"""Groups of options, each written as one dataclass.

A command with twenty options takes a few dataclasses instead of twenty arguments: each field,
annotated as Typer expects it, becomes a parameter of the command.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable


def with_option_groups(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function with every dataclass parameter replaced by the dataclass's fields.

    The fields keep their annotations and defaults; when the command runs, the dataclasses are
    built from them. Parameters of other types stay.
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, tuple[type[Any], tuple[str, ...]]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        if not dataclasses.is_dataclass(hint):
            parameters.append(
                parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY)
            )
            continue
        fields = dataclasses.fields(hint)
        field_hints = get_type_hints(hint, include_extras=True)
        groups[name] = (hint, tuple(field.name for field in fields))  # type: ignore[assignment]
        parameters.extend(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_default(field),
                annotation=field_hints[field.name],
            )
            for field in fields
        )

    def command(**values: Any) -> None:  # noqa: ANN401 - whatever the options' annotations say
        grouped = {
            name: group(**{field: values.pop(field) for field in fields})
            for name, (group, fields) in groups.items()
        }
        function(**values, **grouped)

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _default(field: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - a default of any type
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
