"""Hostile input for all that reads others' files: `make fuzz`, and a short run in the suite.

A target reads what was made of sound input by damaging it. It may give a result or a
HarnessError; anything else, a hang, or more memory than it may take, is a crash.
"""
