"""How the site learns a closed day, from the sums of that day's active accounts.

Parts counted apart merge by addition before they come here, so one process and many learn the same.
"""

import numpy as np
from numpy.typing import NDArray

from models import baselines, calibration, terms
from models.classifiers import NO_THEFT, SOME_THEFT
from models.scale import BINS, BINS_PER_E
from service.kernel.account_record import BIN_UNIT
from service.kernel.measures import GROUP_OF, G
from service.kernel.peer_groups import PEER_GROUPS
from service.kernel.training_rows import READER, STOLEN, Examples
from service.learning import drift, model_versions
from service.learning.aggregation import COUNTED, TABLES, unpack_counts, unpack_sample, unpack_seen
from service.learning.day_summary import DaySummary, Sample
from service.learning.model_versions import Version
from service.learning.site_blobs import DRIFT, SITE, histogram_slot
from service.learning.site_model import TERMS, SiteModel
from service.records import drift_report

TEACHES = 0.5  # least that every measure must count for a day to teach what theft is
PREVALENCE_FADE = 0.95  # per day
_GROUP_OF = np.array(GROUP_OF)


def learn_day(site: SiteModel, sums: DaySummary) -> None:
    """Learn a closed day from the sums of all its accounts."""
    day = sums.day
    _promote(site, sums.promoted)
    site.drift = drift.after_day(site.drift, sums)
    sums = drift.learnable(site.drift, sums)
    gone = {d for d in site.histograms if d <= day - baselines.WINDOW_DAYS}
    site.changed |= {histogram_slot(d) for d in gone}
    site.histograms = {d: c for d, c in site.histograms.items() if d not in gone}
    counted = unpack_counts(sums.histograms, COUNTED)
    if len(site.histograms) >= baselines.WINDOW_DAYS - 1 and not site.disturbed:
        kept = calibration.most_kept(site.policy.alerts_per_day)
        site.rarity = site.rarity.with_day(sums, counted, site.table, site.tails, kept)
    site.histograms[day] = np.concatenate([counted, _teach_trees(site, sums.sample)], axis=1)
    _learn_prevalence(site, sums)
    if not site.drift.began:
        if float(drift.weights(site.drift).min()) >= TEACHES:
            _teach_classifiers(site, sums)
        site.threshold.calibrate(day, sums.active, sums.opened, sums.candidates)
    site.day, site.known = day, sums.known
    site.changed.add(site.threshold.count(day, sums.groups))
    site.rebuild()
    site.since = site.since or day
    _keep_version(site, day)
    site.changed |= {SITE, DRIFT, drift_report.NAME, histogram_slot(day)}


def _promote(site: SiteModel, day: int) -> None:
    """Go on from a kept version; one that is not kept, or that sees other terms, changes nothing."""
    version = site.versions.get(day)
    if version is None:
        return
    classifiers, trees = version.models()
    if classifiers.fits(site.classifiers):
        site.classifiers, site.trees, site.branch = classifiers, trees, day


def _keep_version(site: SiteModel, day: int) -> None:
    if site.versions and day < max(site.versions) + model_versions.EVERY:
        return
    classifiers, trees = site.classifiers.snapshot(), site.trees.snapshot()
    new = Version(day, site.since, site.branch, site.policy.hash, classifiers, trees)
    site.versions = model_versions.with_version(site.versions, new)
    site.changed.add(model_versions.ring_slot(day))


def _teach_trees(site: SiteModel, sample: Sample) -> NDArray[np.uint32]:
    """The trees score the sample, then learn; histogram (PEER_GROUPS, 1, BINS) of the scores."""
    _, peer_groups, calm, groups = unpack_sample(sample)
    counts = np.zeros((PEER_GROUPS, 1, BINS), np.uint32)
    if site.trees.ready and len(groups):
        far = BINS_PER_E * np.log1p(np.array([site.trees.score(g) for g in groups.tolist()], np.float64))
        for c in range(PEER_GROUPS):
            counts[c] = baselines.count(far[peer_groups == c, None])
    site.trees.learn(groups[calm].tolist())
    return counts


def _teach_classifiers(site: SiteModel, sums: DaySummary) -> None:
    """Thefts, readers and lessons of the day in the order of their keys, by the tables in force on it."""
    every = Examples.concatenated([sums.injected.thefts, sums.readers, sums.feedback])
    _, families, ranks, positions, contexts = every.columns()
    rows = np.zeros((len(families), TERMS))
    groups = np.zeros(G)
    columns = ranks.tolist(), positions / BIN_UNIT, contexts / BIN_UNIT
    for row, rank, at, who in zip(rows, *columns, strict=True):
        terms.fill(at, site.table[rank], _GROUP_OF, groups, who, row)
    known = families.astype(np.int64)
    known[families == READER], known[families == STOLEN] = NO_THEFT, SOME_THEFT
    site.classifiers.learn(rows, known.tolist(), fade=site.policy.training.fade)


def _learn_prevalence(site: SiteModel, sums: DaySummary) -> None:
    site.account_days = site.account_days * PREVALENCE_FADE + sums.calm
    for name in TABLES:
        faded = {k: v * PREVALENCE_FADE for k, v in site.shares[name].items() if v > 0.3}
        keys, seen = unpack_seen(sums.seen[name])
        for key, n in zip(keys.tolist(), seen.tolist(), strict=True):
            faded[key] = faded.get(key, 0.0) + n
        site.shares[name] = faded
    site.find_home()
