"""Policy: detections, budget and prior as data, read from TOML.

``detections/*.toml`` say what each detection sees, how to look into it and what it takes for theft
wrongly; ``budget.toml`` the operator's budget and the gates; ``prior.toml`` what is believed of
readers before a site's own days come in. A site's ``policy/`` folder may replace any of them by a
file of the same name.
"""
