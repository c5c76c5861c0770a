# Airflow with protime-etl and its DAGs. The slim image is Airflow without the providers that protime-etl does not use:
# smaller, and nothing in it that the pinned versions of constraints.txt could contradict.
ARG AIRFLOW_IMAGE=apache/airflow:slim-3.3.2-python3.12
FROM ${AIRFLOW_IMAGE}

WORKDIR /opt/protime-etl
COPY --chown=airflow:0 pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY --chown=airflow:0 protime_etl ./protime_etl
COPY --chown=airflow:0 sql ./sql
COPY --chown=airflow:0 dags ./dags
# The constraints hold Airflow itself at the version of the image.
RUN pip install --no-cache-dir -c constraints.txt ".[airflow,celery,simulator]"

COPY --chown=airflow:0 dags /opt/airflow/dags
WORKDIR /opt/airflow
USER airflow
