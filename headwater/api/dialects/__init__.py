"""Other systems' protocols, each a translator over the same services."""
