"""One small reader per producer family; see `generator.azure.interface`."""
