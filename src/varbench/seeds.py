"""Random streams that belong to a thing (an image, an epoch), not to the order of computation."""

import hashlib


def derive(*parts: str | int) -> int:
    """Return a 63-bit seed from ``parts``; equal parts give equal seeds on every machine."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
