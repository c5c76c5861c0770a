"""The same clockings by dlt: rest_api source, merge into PostgreSQL. Run in dlt's own environment.

Settings that favour it: files of CSV, which dlt sends with COPY, instead of its default INSERT statements; no child
tables; no compression of its files; the merge strategy is given by PEER_DLT_STRATEGY.
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
        destination=dlt.destinations.postgres(os.environ["PEER_DSN"]),
        dataset_name="bench",
    )
    pipeline.run(source, loader_file_format="csv").raise_on_failed_jobs()


if __name__ == "__main__":
    main()
