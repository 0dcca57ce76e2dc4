"""Random runs, kills and collections on one store, for as long as one likes: `make soak`."""
