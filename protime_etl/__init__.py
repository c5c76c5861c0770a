"""Every Protime clocking in your own PostgreSQL: complete, current, and provably equal to the tenant's."""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is used: that takes longer than all else that a help text needs.

    Raises:
        AttributeError: there is no attribute of that name.
    """
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("protime-etl")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0.0.0"
