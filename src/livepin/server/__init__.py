"""The server: a Django project whose rules live in `actions`; the API and the dashboard only speak to those."""
