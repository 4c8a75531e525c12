"""plait and other libraries, side by side in one run: `./dev bench`; docs/benchmarks.md."""
