"""Tenant and table compared: on request, and a part each night."""
