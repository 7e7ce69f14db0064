"""Mutation testing: small faults are planted in the modules that judge, and the tests must notice each."""
