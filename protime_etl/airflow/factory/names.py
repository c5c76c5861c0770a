"""Names of a tenant's DAGs and assets."""

from __future__ import annotations

import re

from airflow.sdk import Asset

from protime_etl.errors import SettingsError

__all__ = ["asset_of", "check_name"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
DEFAULT = "protime"


def check_name(name: str) -> None:
    """Refuse what makes no id.

    Raises:
        SettingsError: it is no name.
    """
    if not NAME.fullmatch(str(name)):
        raise SettingsError(
            f"protime_dags({name!r}): a name consists of lower-case letters, digits and _, and begins with a letter.",
            guidance="The ids of the DAGs and assets begin with it, such as beta in beta_clockings_nightly.",
        )


def asset_of(name: str, part: str = "") -> Asset:
    """The asset of the clockings of a tenant, or of a part of what is known of them."""
    # Promised before there could be a second tenant.
    base = "protime://warehouse/protime/clockings" if name == DEFAULT else f"protime://{name}/clockings"
    suffix, path = (f"_{part}", f"/{part}") if part else ("", "")
    return Asset(name=f"{name}_clockings{suffix}", uri=f"{base}{path}", group=name)
