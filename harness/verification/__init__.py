"""Is a run folder what a run left, and do its numbers follow from its predictions?

`checks.CHECKS` lists what is looked at, one function each. Nothing is trained, fetched or read
from a store; only the stages `score` and `compare` run again, on the folder's own files.
"""
