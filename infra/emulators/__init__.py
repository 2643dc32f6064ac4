"""Stand-ins for Google's services on this machine, spoken to by the real clients."""
