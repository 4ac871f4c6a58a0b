"""Learns from a site's own decisions: fits its model, replays its history, switches on only what is better."""
