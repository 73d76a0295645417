"""Entra's token, its claims, SMTP with XOAUTH2, and what a failure of any of them means.

Speaks to Microsoft Entra ID and to an SMTP server; knows nothing of ServiceNow.
"""
