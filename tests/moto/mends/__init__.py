"""What moto is mended in before it serves. Each module holds mends (`@mend`), one small function each, whose docstring
says what EC2 or Elastic Load Balancing does, where AWS documents that, and what moto 5.2.5 does instead.

Reading order: `serving`, `rules`, `calls`, `describing`, `groups`, `interfaces`, `balancers`, `targets`.
"""

from __future__ import annotations

# The imports register the mends, in this order.
from . import serving, rules, calls, describing, groups, interfaces, balancers, targets  # noqa: F401  isort: skip
from .registry import MENDS, install_all

__all__ = ["MENDS", "install_all"]
