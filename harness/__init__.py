"""Re-run a claim that a paper makes and say, with evidence, whether it holds."""

__version__ = "0.1.0"
