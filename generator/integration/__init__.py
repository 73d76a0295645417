"""Which records make up the integration; knows nothing of files or HTTP."""
