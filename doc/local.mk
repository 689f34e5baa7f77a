# Man pages; those of ofad and of the package format are listed beside what they describe.
dist_man1_MANS += doc/man/ofa.1
EXTRA_DIST += doc/dashboard.md doc/dashboard doc/examples/ofad-alerts.yml doc/export.md doc/latency-tables.md doc/latency.svg doc/numerics.md \
	doc/operations.md \
	doc/performance.md doc/predictor.md doc/search.md doc/security.md doc/signing.md doc/training.md
