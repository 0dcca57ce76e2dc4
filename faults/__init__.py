"""The fault campaign: break a run in every way that we know of, and look at what is left.

`make faults` runs it; docs/reliability.md says what each part injects and what came out.
"""
