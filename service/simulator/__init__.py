"""A library's readers, with the thefts among them, as raw EZproxy lines and the truth about them.

No public log has stolen accounts marked in it, so detection is measured on worlds made here: readers of
nine types with what makes them look strange (travel, VPN, shared laboratories, systematic reviews, text
mining, exams, accounts new or long asleep), and eleven families of theft. Normal behaviour is set by
measured base rates; the thefts are modelled on reports. A figure measured on a simulated world says which
design is better, never what a real site will see.

Addresses are taken from space assigned to nobody (``geography`` says which); names and network owners are
invented. Equal settings give byte-identical files.

    simulate(settings, out)   the history: access.log, city.mmdb, asn.mmdb, truth.json
    LiveTraffic               the same world afterwards, moment by moment
"""

from service.simulator.live import LiveTraffic
from service.simulator.settings import SimulationError, SimulationSettings, SimulationSummary
from service.simulator.world import simulate

__all__ = ["LiveTraffic", "SimulationError", "SimulationSettings", "SimulationSummary", "simulate"]
