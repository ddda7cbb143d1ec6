"""What is wrong with the names and types of settings, in sentences that say how to mend it."""

from collections.abc import Collection
from difflib import get_close_matches

from service.base.conversion import Fault, Trouble
from service.base.toml import to_toml
from service.config.description import Setting, settings_by_key, tables


def type_error(fault: Fault) -> tuple[str, str]:
    """Give the full name of the setting, as ``kafka.user``, and what is wrong with it."""
    key = ".".join(part for part in fault.path if isinstance(part, str))
    if fault.trouble is Trouble.UNKNOWN:
        return key, _unknown(key)
    if fault.trouble is Trouble.NO_TABLE:
        return key, f"{key}: is a table; write [{key}] and its settings below"
    setting = settings_by_key()[key]
    example = f"{setting.name} = {to_toml(setting.example)}"
    if fault.trouble is Trouble.MISSING:
        return key, f"the setting {key!r} is missing; write it like {example}"
    return key, value_error(setting, fault, example)


def value_error(setting: Setting, fault: Fault, example: str) -> str:
    """Say what is wrong with a value; ``example`` shows one as it is written where this one stands."""
    mend = f"write it like {example}"
    if setting.choices:
        mend = "choose " + " or ".join(f'"{choice}"' for choice in setting.choices)
    return f"{setting.key}: {fault.plain_words}; {mend}"


def nearest(text: str, known: Collection[str]) -> str:
    """Suggest the known name that a text was probably meant to be, as the end of a sentence."""
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _unknown(key: str) -> str:
    outer, _, name = key.rpartition(".")
    names = {table.key: table.record.__struct_fields__ for table in tables()}
    if key == "retention_days":
        return f"{key!r} is now events in the table [retention]; write it there"
    if not outer:
        return f"unknown setting {key!r}{nearest(key, names[''])}"
    if name in names[""]:
        return f"{name!r} is no setting of [{outer}]; move it above the line [{outer}]"
    return f"unknown setting {name!r} of [{outer}]{nearest(name, names[outer])}"
