"""Speaks SQL to PostgreSQL; knows no HTTP and no Airflow."""
