"""What the kernel is given: one row per event, and the side tables its addresses and resources point to."""

import numpy as np

# What a resource means to the features; see service.kernel.encoder for the table.
PAGE, READING, IGNORED, OWN_PAGE, LOGIN_OK, LOGIN_FAILED = range(6)

EVENT = np.dtype(
    [
        ("slot", "i4"),
        ("where", "i4"),
        ("what", "i4"),
        ("session", "u4"),
        ("category", "u4"),  # 0 where the line has none
        ("time", "i8"),
        ("local", "i8"),  # time + offset
        ("mb", "f4"),
        ("error", "u1"),
        ("document", "u1"),  # 1 if it may count as a document: reading, GET, 200 or 206
    ]
)
WHERE = np.dtype(
    [
        ("address", "u4"), ("network", "u4"), ("owner", "u4"), ("city", "u4"), ("country", "u4"),
        ("latitude", "f4"), ("longitude", "f4"),  # NaN unknown
        ("hosting", "u1"),
        ("kind", "u1"),  # bit of its NetworkKind
        ("p_network", "f4"), ("p_owner", "f4"), ("p_city", "f4"),  # share of the site's account-days
    ]
)  # fmt: skip
WHAT = np.dtype(
    [("kind", "u1"), ("platform", "u4"), ("journal", "u4"), ("document", "u8"), ("sequence", "i8"),
     ("p_platform", "f4")]
)  # fmt: skip
