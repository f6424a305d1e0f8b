"""`POST /`: the public infini-gram API, so that a program written for it needs no change but that of the address.

The API is documented at https://infini-gram.readthedocs.io/en/latest/api.html. Where that API samples,
this one counts exactly and answers `"approx": false`.
"""
