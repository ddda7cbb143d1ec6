"""Alerts as the pages read and judge them: queries, verdicts, the daily ceiling, restrictions."""
