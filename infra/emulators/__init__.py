"""Stand-ins of Google's services for which no emulator exists, spoken to by the real clients."""
