"""An address: the host runs this file at start and at every Reload UI."""

from bleed_guard.host.register import register
from bleed_guard.host.script import BleedGuardScript

register()

__all__ = ["BleedGuardScript"]
