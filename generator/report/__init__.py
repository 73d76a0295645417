"""What people and other tools read: summaries, findings as text, JSON, SARIF and JUnit."""
