"""From a scored moment to an alert with its reasons: threshold, group balance, episodes. Pure."""
