"""The numeric door: one tool call is a short form that a policy fills with numbers."""
