"""What a program may do with events. Each module has SCHEMA, its tables, `work`, which gets an event and the database,
and ENVIRONMENT where it cannot do without some variables.

Each is a program too, which shows what there is:  python usecases/crm.py receiver.sqlite
"""

USE_CASES = ("crm", "notify", "analytics", "followup")
