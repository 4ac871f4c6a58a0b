"""How moderators prove who they are, for how long that counts, and how they take it back."""
