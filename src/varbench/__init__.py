"""varbench: adversarial product images against visually-aware recommenders."""
