"""The update set file format: model, rendering, writing, reading, history, the package.

Knows the format (`spec/update-set-format.md`) and nothing of mail.
"""
