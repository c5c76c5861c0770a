"""How the schema comes to be and is brought up to date."""
