"""``journalguard evaluate``: how well the detection works, and whom it burdens.

What is known of thefts comes from the simulator: whole worlds of it, or its thieves set loose in a log of the
site. Analysts' verdicts say the rest. Nothing here touches a site's live state.

    scenes       a log as events on disk, read once, with the truth about it
    worlds       scenes from simulated libraries
    background   scenes from real logs with thefts laid over them
    intruders    whose accounts those are, and the thieves' lines
    exposure     whose account-days they are: groups of readers
    trials       one way of detecting, run over a scene
    study        scenes and trials in processes
    parts        from scenes that were played to figures
    ownsite      figures of the site's own alerts and verdicts
    report       parts put together and kept in a folder
    comparing    a report against the one before
    schedule     when the next one is due
"""
