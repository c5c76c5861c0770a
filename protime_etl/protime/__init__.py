"""Speaks HTTP to Protime; knows no database and no Airflow."""
