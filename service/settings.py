"""One site's folder and its settings: ``site.toml``, overridden by a few environment variables.

Read once, by the command that starts; everything else is handed the record.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import available_timezones

import msgspec

from service.errors import SettingsError, SiteError

SETTINGS_FILE = "site.toml"
ENVIRONMENT = "JOURNALGUARD_"
OVERRIDES = ("host", "port", "alerts_per_day", "retention_days", "geo_city", "geo_asn")

_CHOICES = {"username": ("user", "session"), "forwarded": ("first", "last")}

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_Budget = Annotated[float, msgspec.Meta(gt=0, le=1000)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.05, le=3600)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site; ``TEMPLATE`` says what each means."""

    log_format: str
    timezone: str
    logs: tuple[str, ...] = ()
    audit_logs: tuple[str, ...] = ()
    realms: tuple[str, ...] = ()
    username: Literal["user", "session"] = "user"
    forwarded: Literal["first", "last"] = "first"
    campus: tuple[str, ...] = ()
    proxy_hosts: tuple[str, ...] = ()
    geo_city: str = ""
    geo_asn: str = ""
    alerts_per_day: _Budget = 3.0
    retention_days: _Positive = 28
    host: str = "127.0.0.1"
    port: _Port = 8321
    host_names: tuple[str, ...] = ()
    checkpoint_lines: _Positive = 20_000
    checkpoint_seconds: _Seconds = 1.0


class Site(NamedTuple):
    """A site's folder: what lies where, and its settings."""

    folder: Path
    settings: Settings

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def database(self) -> Path:
        return self.folder / "journalguard.db"

    @property
    def policy(self) -> Path | None:
        """The site's own detections, if it has any."""
        folder = self.folder / "policy"
        return folder if folder.is_dir() else None

    @property
    def lock(self) -> Path:
        return self.folder / "run.lock"

    def path(self, text: str) -> Path | None:
        """A path of the settings, relative to the folder; ``None`` for none."""
        return self.folder / text if text else None


TEMPLATE = Template("""\
# Settings of one site of journalguard. After a change start `journalguard run` again.
# Paths that do not begin with / are relative to this folder.

# EZproxy's LogFormat, as in config.txt, without the word LogFormat. Between single quotes nothing is
# escaped. Fields in ezPAARSE's notation, %{name}<regular expression>, may be used too.
log_format = $log_format

# The zone of the clock that writes the logs, an IANA name. Needed where the format has no %z, for audit
# logs, and to tell day from night.
timezone = $timezone

# Access logs to follow. A path, a daily name with strftime codes ("/var/log/ezproxy/ezp%Y%m%d.log"),
# or a wildcard for the logs of several proxies ("/var/log/proxy-*/ezproxy.log").
logs = $logs

# Audit logs to follow, in the same notation ("/usr/local/ezproxy/audit/%Y%m%d.txt").
audit_logs = $audit_logs

# Spellings of your own realm: with "example.ac.uk" and "EXAMPLE", the names jdoe, jdoe@example.ac.uk and
# EXAMPLE\\jdoe are one person. Names of any other realm stay apart. While none is named, EXAMPLE\\jdoe is
# taken for jdoe, but jdoe@example.ac.uk for somebody else's jdoe.
realms = $realms

# What %u holds: "user", or "session" where Option LogUser is off.
username = $username

# Which address of a comma list (X-Forwarded-For) is the reader's: "first" or "last".
forwarded = $forwarded

# Networks on campus, in CIDR notation ("192.0.2.0/24").
campus = $campus

# Host names of the proxy itself ("ezproxy.example.ac.uk"); its pages are not reading.
proxy_hosts = $proxy_hosts

# Location databases (MMDB) of your own: GeoLite2, DB-IP or the like, with cities and with network owners.
# Empty: the database that came with the installation, or none. Nothing is ever looked up over the network.
geo_city = $geo_city
geo_asn = $geo_asn

# How many alerts a day your analysts want to read. The threshold follows.
alerts_per_day = $alerts_per_day

# Days for which the events behind an alert are kept.
retention_days = $retention_days

# Where the pages are served. Anything but 127.0.0.1 lets others in: there is no sign-in here.
host = $host
port = $port

# Further host names by which browsers reach the pages ("alerts.example.ac.uk"); all others are refused.
host_names = $host_names

# State is saved after so many lines or seconds, whichever comes first.
checkpoint_lines = $checkpoint_lines
checkpoint_seconds = $checkpoint_seconds
""")


def render(settings: Settings) -> str:
    """A commented ``site.toml`` that reads back as ``settings``."""
    values = msgspec.structs.asdict(settings)
    return TEMPLATE.substitute({name: _toml(value) for name, value in values.items()})


def load_site(folder: Path, environment: Mapping[str, str]) -> Site:
    """The site in ``folder``. Raises ``SiteError`` where there is none, else ``SettingsError``."""
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SiteError(f"{path}: no site here; make one with `journalguard init {folder} …`") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return Site(folder, _overridden(parse(text, str(path)), environment))


def parse(text: str, where: str) -> Settings:
    """Settings from TOML; ``where`` names the file in errors. Raises ``SettingsError``."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: {error}; strings need quotes, lists brackets") from None
    for key in values:
        if key not in Settings.__struct_fields__:
            raise SettingsError(f"{where}, line {_line(text, key)}: {_unknown(key)}")
    return check(values, lambda key: f"{where}, line {_line(text, key)}" if key in values else where)


def check(values: Mapping[str, Any], place: Callable[[str], str]) -> Settings:
    """Values that have a meaning; ``place(key)`` says where one stands. Raises ``SettingsError``."""
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place(_key(error))}: {_plain(error)}") from None
    if settings.timezone not in available_timezones():
        near = _nearest(settings.timezone, available_timezones())
        raise SettingsError(f"{place('timezone')}: {settings.timezone!r} is not an IANA time zone{near}")
    for network in settings.campus:
        _check_network(network, place("campus"))
    return settings


def _overridden(settings: Settings, environment: Mapping[str, str]) -> Settings:
    names = {key: ENVIRONMENT + key.upper() for key in OVERRIDES}
    found = {key: environment[name] for key, name in names.items() if name in environment}
    try:
        return msgspec.convert({**msgspec.structs.asdict(settings), **found}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"environment variable {names[_key(error)]}: {_plain(error)}") from None


def _check_network(text: str, where: str) -> None:
    try:
        ip_network(text)
    except ValueError as error:
        raise SettingsError(f"{where}: campus: {error}; write it like 192.0.2.0/24") from None


def _key(error: msgspec.ValidationError) -> str:
    """The setting that msgspec complains of."""
    found = re.search(r"\$\.(\w+)|field `(\w+)`", str(error))
    return (found[1] or found[2]) if found else ""


def _plain(error: msgspec.ValidationError) -> str:
    text = str(error).split(" - at ")[0].replace("`", "")
    if text.startswith("Object missing"):
        return f"the setting {_key(error)!r} is missing"
    if text.startswith("Invalid enum"):
        text += "; choose " + " or ".join(f'"{choice}"' for choice in _CHOICES[_key(error)])
    return f"{_key(error)}: {text[0].lower()}{text[1:]}"


def _unknown(key: str) -> str:
    return f"unknown setting {key!r}{_nearest(key, Settings.__struct_fields__)}"


def _nearest(text: str, known: Collection[str]) -> str:
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _line(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*[\"'\[]*{re.escape(key)}\b", line):
            return number
    return 1


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if not isinstance(value, str):
        return repr(value)
    plain = value.isprintable() and "'" not in value and ('"' in value or "\\" in value)
    return f"'{value}'" if plain else msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
