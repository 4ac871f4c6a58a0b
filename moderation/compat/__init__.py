"""Doors for clients of other services, each speaking its protocol exactly. They translate; others do the work.

One file for each protocol: ``perspective`` (with ``suggestion`` for its feedback), ``openai``, ``akismet``, ``coral``.
"""
