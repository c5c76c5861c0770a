"""The same clockings by dlt: rest_api source, merge into PostgreSQL. Run in dlt's own environment.

It is run twice: as it is out of the box (PEER_DLT_FORMAT `insert_values`, PEER_DLT_STRATEGY `delete-insert`), and at
its best (`csv`, which it sends with COPY, and `upsert`). In both without child tables, which favours it.
"""

from __future__ import annotations

import os

import dlt
from dlt.sources.rest_api import rest_api_source

API_PATH = "/connector/protimeapi/api/v1"


def main() -> None:
    """Read the window of PEER_FROM and PEER_TO and merge it."""
    url = os.environ["PEER_URL"]
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{url}{API_PATH}/",
                "headers": {"User-Agent": "dlt/1 (bench)"},
                "auth": {
                    "type": "oauth2_client_credentials",
                    "access_token_url": f"{url}/tenants/simulated/connect/token",
                    "client_id": "simulated-client",
                    "client_secret": "simulated-secret",
                },
                "paginator": {"type": "json_link", "next_url_path": "nextLink"},
            },
            "resources": [
                {
                    "name": "clockings",
                    "primary_key": "id",
                    "write_disposition": {"disposition": "merge", "strategy": os.environ["PEER_DLT_STRATEGY"]},
                    "max_table_nesting": 0,
                    "endpoint": {
                        "path": "clockings",
                        "data_selector": "value",
                        "params": {
                            "filter": f"date ge '{os.environ['PEER_FROM']}' and date le '{os.environ['PEER_TO']}'"
                        },
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=os.environ["PEER_FOLDER"],
        # It insists on a host and a password; the host in the query, which is the socket, is the one that counts.
        destination=dlt.destinations.postgres(os.environ["PEER_DSN"].replace("@/", ":unused@localhost:5432/")),
        dataset_name="bench",
    )
    pipeline.run(source, loader_file_format=os.environ["PEER_DLT_FORMAT"]).raise_on_failed_jobs()


if __name__ == "__main__":
    main()
