"""The API: HTTP and JSON in front of the actions, one file per noun. Rules live in `actions`; nothing here decides.

Applications call none of this: all they know is the CDN.
"""
