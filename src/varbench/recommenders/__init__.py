"""Recommenders trained on image features, and the ranking of items with them."""
