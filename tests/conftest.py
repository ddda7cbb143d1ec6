"""What holds for all tests: compiled kernels are never older than what they were compiled from.

numba's cache looks only at the file of the compiled function itself; a kernel whose callees, constants
or record layout live in another file would go on running as they were.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILED_FROM = (
    "models/evidence.py",
    "service/account.py",
    "service/measures.py",
    "service/rows.py",
    "service/slots.py",
    "service/features.py",
    "service/closing.py",
)


def drop_stale_kernels(root: Path) -> list[Path]:
    """Delete and return the cached kernels older than any source they were compiled from."""
    newest = max((root / name).stat().st_mtime for name in COMPILED_FROM)
    caches = [
        path
        for kernel in ("features", "closing")
        for path in (root / "service" / "__pycache__").glob(f"{kernel}*.nb?")
        if path.stat().st_mtime < newest
    ]
    for path in caches:
        path.unlink(missing_ok=True)
    return caches


drop_stale_kernels(ROOT)
