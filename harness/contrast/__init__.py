"""Two runs of a claim side by side: where they differ, and what that did to the estimate.

Both folders are read as they are; `harness verify` says whether they are sound.
"""
