"""`POST /`: the public infini-gram API, so that a program written for it works by a change of the address alone.

What it asks and answers is described at https://infini-gram.readthedocs.io/en/latest/api.html. Where that API samples,
this one counts, and says `"approx": false`.
"""
