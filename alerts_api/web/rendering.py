"""The templates: found inside the package, escaped always, with the words of :mod:`wording`."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from alerts_api.alerts.verdicts import CLOSING, WORDS
from alerts_api.signin.actors import EVERYONE
from alerts_api.web.charts import line_chart, share_bar
from alerts_api.web.navigation import entries, home
from alerts_api.web.wording import FILTERS

_NOBODY = {"actor": None, "demo": False, "here": ""}  # a page that is the same for everyone


def page(template: str, **values: object) -> str:
    """The template as HTML. A name the template uses and ``values`` lacks is an error."""
    return _environment().get_template(template).render({**_NOBODY, **values})


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alerts_api.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(line_chart=line_chart, share_bar=share_bar, entries=entries, home=home)
    environment.globals.update(WORDS=WORDS, CLOSING=CLOSING, ROLES=EVERYONE)
    return environment
