"""The part of the runner that knows the format of the cases and nothing of the binding: substitution and matching."""

import re
from typing import Any

REFERENCE = re.compile(r"\$\{([^}]+)\}")


class Mismatch(Exception):
    """A result that is not as the case expects."""


def look_up(saved: dict[str, Any], path: str) -> Any:
    value: Any = saved
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def fill(value: Any, saved: dict[str, Any]) -> Any:
    """`value` with every `${name.path}` replaced; a string that is nothing else takes the type of what it names."""
    if isinstance(value, dict):
        return {key: fill(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, saved) for item in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        return look_up(saved, whole[1])
    return REFERENCE.sub(lambda match: str(look_up(saved, match[1])), value)


def check(expected: Any, actual: Any, where: str = "result") -> None:
    """Raises `Mismatch` unless `actual` has all that `expected` asks for."""
    if isinstance(expected, dict) and len(expected) == 1 and next(iter(expected)).startswith("$"):
        check_matcher(expected, actual, where)
    elif isinstance(expected, dict):
        if not isinstance(actual, dict):
            raise Mismatch(f"{where} is {actual!r}, not an object")
        for key, item in expected.items():
            if key not in actual:
                raise Mismatch(f"{where} has no {key!r}")
            check(item, actual[key], f"{where}.{key}")
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            raise Mismatch(f"{where} is {actual!r}, not a list of {len(expected)}")
        for place, item in enumerate(expected):
            check(item, actual[place], f"{where}.{place}")
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        raise Mismatch(f"{where} is {actual!r}, not {expected!r}")


def check_matcher(matcher: dict[str, Any], actual: Any, where: str) -> None:
    ((name, argument),) = matcher.items()
    if name == "$any":
        holds = True
    elif name == "$contains":
        holds = isinstance(actual, str) and argument in actual
    elif name == "$matches":
        holds = isinstance(actual, str) and re.search(argument, actual) is not None
    elif name == "$length":
        holds = isinstance(actual, (list, str, dict)) and len(actual) == argument
    else:
        raise Mismatch(f"unknown matcher {name}")
    if not holds:
        raise Mismatch(f"{where} is {actual!r}, not {matcher}")
