"""Where copies for readers lie, and how old they get."""

import shutil

from service.config.settings import SiteFolder

COPIES = "rights"  # folder of the site


def drop_old_copies(site: SiteFolder, now: float) -> int:
    """Copies older than the site keeps them; how many."""
    before = now - 86400 * site.settings.retention.copies
    old = [folder for folder in (site.folder / COPIES).glob("*/") if folder.stat().st_mtime < before]
    for folder in old:
        shutil.rmtree(folder)
    return len(old)
