"""The audit log: who did what to whose pseudonym, in a tree that nobody can quietly change.

An act is written in the transaction that does it (``log``). Signed checkpoints of the tree leave the
machine (``checkpoints``, ``sending``), and an export can be checked anywhere with the public key alone
(``export``, ``verification``). Deliberately absent: any way to change or remove an entry.
"""
