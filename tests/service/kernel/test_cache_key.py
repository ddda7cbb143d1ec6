"""A kernel's mark changes with whatever the kernel is compiled from."""

from types import ModuleType

import numpy as np
from numba import njit

from models import evidence
from service.kernel import account_record, measures
from service.kernel.cache_key import code_mark


def module(**contents: object) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(contents)
    return made


def test_the_same_code_has_the_same_mark() -> None:
    assert code_mark(evidence, account_record, measures) == code_mark(evidence, account_record, measures)


def test_constants_layouts_and_functions_are_in_the_mark() -> None:
    marks = {
        code_mark(module(LIMIT=1)),
        code_mark(module(LIMIT=2)),
        code_mark(module(RECORD=np.dtype([("a", "f4")]))),
        code_mark(module(RECORD=np.dtype([("a", "f8")]))),
        code_mark(module(step=njit(lambda x: x + 1))),
        code_mark(module(step=njit(lambda x: x + 2))),
    }
    assert len(marks) == 6
