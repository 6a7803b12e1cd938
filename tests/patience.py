"""How long tests wait for what must come, in seconds: a machine may stand still for a while."""

PATIENCE = 300.0
