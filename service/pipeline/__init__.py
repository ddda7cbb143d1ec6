"""The order of the stages, for some accounts (a shard) and for a whole site. Pure."""
