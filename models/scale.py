"""The common logarithmic scale of histograms, as plain numbers: what does not compile may know it."""

BINS = 256
BINS_PER_E = 24.0  # bin = 24 * ln(1 + value): values up to 41,000
