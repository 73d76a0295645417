"""A ServiceNow instance over HTTP: sessions, tables, update sets, and the importer."""
