"""Readers' rights: what was asked, what is restricted or must be erased, and for how long things are kept."""
