"""The stream: records that cross rooms, account states, the pipeline and its runners."""
