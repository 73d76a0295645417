"""What the user writes: one small file per environment, layered over a common one."""
