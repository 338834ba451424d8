"""What a person sees: at most 100 columns, colours only on a terminal and without NO_COLOR."""

from __future__ import annotations

import os
import sys
import textwrap
import time

WIDTH = 100
ON_TERMINAL = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
COLOURS = ON_TERMINAL and not os.environ.get("NO_COLOR")
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
sys.stdout.reconfigure(errors="replace", line_buffering=True)


def coloured(text: str, *styles: str) -> str:
    codes = ";".join(CODES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m" if COLOURS and codes else text


def line(text: str = "", *styles: str, indent: int = 0) -> None:
    for part in textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
                              break_long_words=False, break_on_hyphens=False) or [""]:
        print(coloured(part, *styles))


def heading(number: int, text: str) -> None:
    print()
    print(coloured(f"━━━ {number} · {text} ".ljust(WIDTH, "━"), "bold", "cyan"))


def say(text: str) -> None:
    for part in textwrap.wrap(textwrap.dedent(text).strip(), WIDTH, break_on_hyphens=False):
        print(part)


def command(text: str) -> None:
    print()
    print(coloured(f"$ {text}", "bold"))


def block(text: str, *styles: str) -> None:
    """Text of a program, as it is."""
    for part in text.rstrip("\n").splitlines():
        print(coloured(f"  {part}", *styles))


def checked(text: str) -> None:
    line(f"✓ {text}", "green")


def pause(seconds: float) -> None:
    """Time to read, where somebody does."""
    if ON_TERMINAL:
        time.sleep(seconds)
