"""How the judge's weights are made, from data to artefact; nothing here runs in the service."""
