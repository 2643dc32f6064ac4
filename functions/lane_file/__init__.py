"""Reading the lane file: TOML with tables, or the same as JSON, checked as a whole.

lanes.py    `[[lanes]]`: places and ways to run; rules.py has what must hold of each
quotas.py   `[[quotas]]`: what lanes share
tenants.py  `[tenants.NAME]`
dollars.py  `[budget]`
text.py     the text itself, and where in it a fault is

A bare JSON list is the lanes alone, without limits of tenants and of money. Whoever writes a wrong
one is told the line and the field, and what it may be.
"""
