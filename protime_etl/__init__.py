"""Every Protime clocking in your own PostgreSQL: complete, current, and provably equal to the tenant's."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("protime-etl")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
