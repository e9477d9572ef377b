"""What people do, one file per noun. The API and the dashboard call these functions, and nothing behind them.

Every function takes the `Actor` first, asks `reach` for what it is about, and so decides in one place who may. A
change is one transaction together with its entry in the audit trail.
"""
