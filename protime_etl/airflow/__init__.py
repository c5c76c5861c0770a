"""The Airflow provider; the only place that imports airflow, besides the DAG files."""
