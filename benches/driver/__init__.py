"""The measuring part of scripts/bench; what is measured is made by benches/archive."""
