"""A local stand-in for a ServiceNow instance, to try everything against (extra `sandbox`)."""
