"""Joins Protime and PostgreSQL: plans units of work and carries them out."""
