"""The list of mends, and how a mend replaces a piece of moto."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

MENDS: dict[str, Callable[[], None]] = {}


def mend(install: Callable[[], None]) -> Callable[[], None]:
    """Register a mend under its function's name. Mends are installed in the order in which they are defined."""
    MENDS[install.__name__] = install
    return install


def install_all(without: Collection[str] = ()) -> None:
    """Install every mend but those named: the tests leave one out to see that its test fails."""
    for name, install in MENDS.items():
        if name not in without:
            install()


def around(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace `owner.name` by a function that gets the original as its first argument."""

    def replace(replacement: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(owner, name, replaced)

    return replace


def instead(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace `owner.name` outright."""

    def replace(replacement: Callable[..., Any]) -> None:
        setattr(owner, name, replacement)

    return replace
