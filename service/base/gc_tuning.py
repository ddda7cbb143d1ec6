"""How a process that reads logs uses Python's memory."""

import gc


def relax_garbage_collection() -> None:
    """Let the garbage collector look seldom, and never again at what is here now.

    Nearly every object a reader of logs makes either dies at once or is remembered for long, and none is part
    of a cycle. Walking the memories as often as the defaults say costs a third of the reading.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
