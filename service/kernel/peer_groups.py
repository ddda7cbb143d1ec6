"""Where an account reads today: at home, abroad or through a VPN. Scores are compared within each.

Readers abroad and behind VPNs look like thieves to every measure of novelty. Judged against everyone they
would have most of the false alarms, so each of these peer groups has a tail of its own: the same share of its
own account-days is raised as of all others'. Hosting networks are no peer group: hardly a reader is there.
"""

import numpy as np
from numpy.typing import NDArray

from service.kernel.encoder import KIND_BIT
from service.records.events import NetworkKind

HOME, ABROAD, VPN = range(3)
LOCALITIES = 3
CLASSES = 2  # activity classes: newcomers and rare readers, regulars
PEER_GROUPS = CLASSES * LOCALITIES  # scores are compared, and histograms kept, by activity class and locality
_HOSTING_BIT, _VPN_BIT = KIND_BIT[NetworkKind.HOSTING], KIND_BIT[NetworkKind.VPN]
BELIEVED = (1.0, 2.5, 6.0)  # times as often as everyone a day there is unusual, until the site's own days say


def locality(states: NDArray[np.void], home: int) -> NDArray[np.intp]:
    """Of each state (n,), by its kinds of network today and its newest country; ``home`` 0 is unknown."""
    kinds, countries = states["kinds"], states["countries"]
    newest = np.argmax(countries["last"], axis=1)
    country = countries["key"][np.arange(len(states)), newest]
    abroad = (country != home) & (country != 0) & (home != 0)
    hosting = kinds & _HOSTING_BIT != 0
    found: NDArray[np.intp] = np.where(abroad & ~hosting, ABROAD, HOME)
    found[kinds & _VPN_BIT != 0] = VPN
    return found


def peer_group(states: NDArray[np.void], home: int) -> NDArray[np.intp]:
    """Number of each state's peer group (n,), below ``PEER_GROUPS``."""
    found: NDArray[np.intp] = states["rank"].astype(np.intp) * LOCALITIES + locality(states, home)
    return found
