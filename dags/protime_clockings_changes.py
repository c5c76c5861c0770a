"""Every 15 minutes: what changed since the last poll of Protime's delta.

What it does, and what to do when it is red, is shown beside it in Airflow's UI. Another tenant is another file, with a
name and a connection of its own: see docs/airflow.md of protime-etl.
"""

from protime_etl.airflow import protime_dags

dag = protime_dags(only=["changes"]).changes
