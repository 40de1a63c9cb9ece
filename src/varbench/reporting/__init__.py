"""Tables and figures, each an aggregation of stored per-user and per-image values."""
