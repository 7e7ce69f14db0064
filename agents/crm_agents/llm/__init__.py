"""Language models as policies: one agent, adapters for providers, cassettes, retries."""
