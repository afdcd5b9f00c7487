"""Room: see docs/how-it-works.md."""
