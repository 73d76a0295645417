"""Local stand-ins for Microsoft Entra ID, Microsoft Graph and Exchange Online's SMTP server."""
