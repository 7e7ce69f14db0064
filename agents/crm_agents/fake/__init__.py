"""A server that speaks the protocols of two providers on this machine alone, for trying everything without keys."""
