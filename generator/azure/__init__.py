"""Reading what Azure handed over, whatever tool wrote it."""
