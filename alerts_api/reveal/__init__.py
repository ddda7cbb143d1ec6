"""The release gate: who may be told whose account a pseudonym is, and how everybody can see that it was told.

A key-holder asks for one alert (``desk.ask``), and ``gate`` decides from what the database says; above the
budget, or for a restricted reader, somebody else answers. What was granted is taken with a ticket that works
once (``desk.take``, ``desk.redeem``), an outcome is filed, and what is overdue goes to the data protection
officer (``overdue``). Every step is a leaf of the audit log in the same transaction, and the sealed identity
leaves only after the commit. Nothing here can open it: that happens on the holder's own computer.
"""
