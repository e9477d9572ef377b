"""What the server does on its own account: a registry of tasks (tasks.py), periodic ones (beats.py), and two engines.

threads.py   one machine: threads over the table of jobs, with SQLite
workers.py   many machines: procrastinate, with PostgreSQL
"""
