"""The analysts' room: the store of alerts and verdicts, the JSON API and the pages."""
