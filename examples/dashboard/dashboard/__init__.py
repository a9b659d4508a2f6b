"""A dashboard for Martlet: a host program on the Python binding. `python -m dashboard --help`."""
