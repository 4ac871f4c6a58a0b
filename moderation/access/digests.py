"""What is kept of tokens and codes that open something: a hash, from which nobody gets them back."""

import hashlib


def digest(secret: str) -> str:
    """Return the hash that is kept. What is hashed has fifty bits by chance at least, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
