"""Logs as one page that opens from disk: figures, plots, and every episode."""

from crm_gym.evaluation.report.sheet import figures_of, page, report

__all__ = ["figures_of", "page", "report"]
