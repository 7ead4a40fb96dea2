"""A small news service: the application of the reference pipeline."""
