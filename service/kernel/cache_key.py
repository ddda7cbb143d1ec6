"""A mark of everything a kernel is compiled from, to be part of its cache key.

numba's cache looks only at the file of the kernel itself, by time and size, and wheels give every file
the same time. A kernel whose callees, constants or record layout changed elsewhere would go on running
as it was. A kernel that closes over this mark is compiled anew instead.
"""

from hashlib import sha256
from types import ModuleType

import numpy as np


def code_mark(*modules: ModuleType) -> int:
    """A number, the same for the same constants, record layouts and compiled functions of ``modules``."""
    digest = sha256()
    for module in modules:
        for name, value in sorted(vars(module).items()):
            function = getattr(value, "py_func", None)
            if function is not None:
                code = function.__code__
                digest.update(repr((name, code.co_code, code.co_consts, code.co_names)).encode())
            elif isinstance(value, int | float | str | tuple):
                digest.update(repr((name, value)).encode())
            elif isinstance(value, np.dtype):
                digest.update(repr((name, value.descr)).encode())
    return int.from_bytes(digest.digest()[:7], "little")
