"""The commands of `crm-agents`, one module each: HELP, a dataclass of arguments, and run(args) -> exit code."""
