"""The whole service as processes, while seeded chance breaks its parts; afterwards all ledgers must agree."""
