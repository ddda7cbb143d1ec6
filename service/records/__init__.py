"""What crosses rooms: frozen records and the ports behind which stores stand. It imports no other room."""
