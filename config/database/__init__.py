"""Django's PostgreSQL backend, connected to one catalog's schema at a time."""
