"""Tables as SQLAlchemy knows them."""
