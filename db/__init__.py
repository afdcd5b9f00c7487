"""Everything SQL: engine, tables, migrations, and query functions by noun.

A query function takes `tx` first, returns values and never commits. Rows never leave this room.
"""
