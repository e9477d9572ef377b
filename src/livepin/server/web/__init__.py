"""The dashboard: pages that turn forms into actions and what comes back into HTML. Rules live in `actions`."""
