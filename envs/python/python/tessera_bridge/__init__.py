"""Runs gymnasium environments for @tessera/env-python."""
