"""Everything on one machine, for a first look and for tests: the simulated tenant, PostgreSQL and Airflow."""
