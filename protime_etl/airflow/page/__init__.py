"""The page in Airflow's own user interface: what is here, how fresh it is, and what needs a look, with a calendar."""
