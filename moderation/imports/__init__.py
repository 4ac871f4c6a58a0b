"""Histories that a site brings along as files: read piece by piece, whatever their size, and taken in as labels."""
