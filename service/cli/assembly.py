"""A site's parts, put together from its settings."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pseudonymiser import keys
from pseudonymiser.geo import Edition, GeoProvider, LocalGeo, open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.seal_signing import SealSigner
from pseudonymiser.vault import Vault, open_vault
from service.config.settings import Settings, SiteFolder
from service.runtime.merge import Clock, line_clock
from service.runtime.runner import Runner

if TYPE_CHECKING:
    from service.pipeline.site_pipeline import Pipeline

GEO = "geo"  # folder of the site's for the location databases that the installation brings
OLD_DAYS = 180  # of a location database, from when on it should be replaced

_log = logging.getLogger("journalguard.run")


def ingest_settings(settings: Settings) -> IngestSettings:
    """The part of a site's settings that the ingest room needs."""
    return IngestSettings(
        log_format=settings.log_format,
        timezone=settings.timezone,
        home_realms=settings.realms,
        username=settings.username,
        forwarded=settings.forwarded,
        campus=settings.campus,
        proxy_hosts=settings.proxy_hosts,
    )


def site_geo(site: SiteFolder, city: Path | None = None, asn: Path | None = None) -> LocalGeo:
    """The location databases given, else those of the site. Raises ``GeoFileError``."""
    settings = site.settings
    geo = open_geo(
        city or site.path(settings.geo_city),
        asn or site.path(settings.geo_asn),
        campus=settings.campus,
        unpack_into=site.folder / GEO,
    )
    for sentence in told_of(geo.editions, time.time()):
        _log.info("places %s", sentence)
    return geo


def told_of(editions: Sequence[Edition], now: float) -> list[str]:
    """What the operator should know of the location databases in use; ``now`` in s UTC."""
    found = {edition.kind: edition for edition in editions}
    sentences = []
    for kind, what in (("city", "cities"), ("asn", "owners of networks")):
        edition = found.get(kind)
        if edition is None:
            sentences.append(
                f"{what}: no database, so all that hangs on them is silent; install journalguard[geo], "
                f"or name one by geo_{kind}"
            )
            continue
        day = datetime.fromtimestamp(edition.built_at, UTC).date()
        old = now - edition.built_at > OLD_DAYS * 86_400
        newer = "; it is old: get a newer one" if old else ""
        sentences.append(f"{what}: {edition.name} of {day}{newer}")
    return sentences


class Parts(NamedTuple):
    """What reads and scores, without any history."""

    runner: Runner
    pipeline: "Pipeline"
    clock: Clock  # orders the sources


def site_vault(site: SiteFolder) -> Vault | None:
    """Seals for the site's key-holders; where there are none it says so. Raises operators' errors."""
    secrets = keys.load(site.keys)
    signer = SealSigner(secrets)
    try:
        signer.publish(site.seal_keys)
    except OSError as error:
        _log.warning("seal-key-unpublished %s: %s; the pages cannot check who sealed", site.seal_keys, error)
    vault, why_not = open_vault(site.keyholders, secrets.epoch, signer)
    if vault is None:
        _log.warning("no-key-holders %s", why_not)
    return vault


def build(
    site: SiteFolder, geo: GeoProvider, alerts_per_day: float | None = None, vault: Vault | None = None
) -> Parts:
    """Raises operators' errors. Without a ``vault`` no identity is sealed."""
    # Seconds, and a hundred megabytes, that a process without a pipeline does not spend.
    from service.pipeline.site_pipeline import Pipeline  # noqa: PLC0415
    from service.pipeline.warm_up import compile_kernels  # noqa: PLC0415
    from service.policy.history import warn_if_unaccepted  # noqa: PLC0415
    from service.policy.loading import load_policy  # noqa: PLC0415

    secrets = keys.load(site.keys)
    settings = ingest_settings(site.settings)
    policy = load_policy(site.policy, alerts_per_day=alerts_per_day or site.settings.alerts_per_day)
    warn_if_unaccepted(site.folder, policy)
    compile_kernels(policy)
    pipeline = Pipeline(policy, site.settings.retention.states)
    runner = Runner(Ingest(settings, secrets, geo, vault), pipeline)
    return Parts(runner, pipeline, line_clock(Ingest(settings, secrets, geo)))
