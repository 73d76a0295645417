"""Everything a sandbox keeps about who comes in: sessions, tokens, API keys, rate limits.

A `Sandbox` holds one as `sandbox.door`. It is not data: a restart ends all sessions and tokens, as
it does on an instance whose node restarts.
"""

from __future__ import annotations

from random import Random

from generator.clock import Clock
from generator.sandbox.api_keys import ApiKeys
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.limits import Limits
from generator.sandbox.oauth_tokens import Tokens
from generator.sandbox.sessions import Sessions


class Door:
    """Who is in."""

    def __init__(self, behaviour: Behaviour, *, clock: Clock, random: Random) -> None:
        """Args: behaviour: The switches. clock: Time. random: Where ids and tokens come from."""
        self.sessions = Sessions(behaviour, clock=clock, random=random)
        self.tokens = Tokens(behaviour, clock=clock, random=random)
        self.api_keys = ApiKeys()
        self.limits = Limits(behaviour, clock=clock)
        self.followed: dict[tuple[str, ...], tuple[object, ...]] = {}
        """Switches to the values that the data follows (`generator.sandbox.follow`)."""

        self.machines: set[str] = set()
        """sys_ids of users that the switch `machine_user` made machines."""
