"""Names of the pictures that charts.py defines, for whoever plans their files without drawing."""

PICTURES = (
    "chr",
    "success",
    "trade_off",
    "chr_by_k",
    "ranks",
    "promotion",
    "training",
    "categories",
    "spread",
)
