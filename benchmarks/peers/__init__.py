"""What is measured beside whom: one module a subject, each with ``rows(given)``, its lines."""

SUBJECTS = (
    "pgd",
    "carlini_wagner",
    "carlini_wagner_long",
    "ddn_apgd",
    "vbpr",
    "amr",
    "lists",
    "measures",
    "perceptual",
    "grid",
    "growth",
)
