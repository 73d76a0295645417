"""The link `dns`: are the hosts' names known here?"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TypeAlias

from generator.aside import Aside
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.network import Network
from generator.mail.trouble import Place, Trouble, unknown_name

LINK = ("dns", "Names of the servers")
Named: TypeAlias = tuple[Place, tuple[str, ...] | Trouble]
"""A host, and its addresses or why there are none."""

_SHOWN = 3


def resolve(place: Place, *, network: Network) -> tuple[str, ...] | Trouble:
    """The addresses of a host, or why there are none; a proxy is asked nothing here.

    Args:
        place: The host.
        network: Its time limit holds for DNS, too.
    """
    if place.proxy:
        return ()
    task = Aside(lambda: _addresses(place))
    if not task.wait(network.timeout_seconds):
        return Trouble(
            f"{place.kind}-dns",
            f"DNS did not say in time where {place.host} is.",
            (
                Cause(
                    "This machine's DNS servers do not answer.",
                    "Check them; where only a proxy leads outward, set HTTPS_PROXY.",
                ),
            ),
        )
    found = task.result()
    return found if found is not None else unknown_name(place)


def _addresses(place: Place) -> tuple[str, ...] | None:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def judge_names(answers: Sequence[Named]) -> LinkResult:
    """The link, from what each host's name came to.

    Args:
        answers: Each host, and its addresses or trouble.
    """
    checked = ", ".join(place.host for place, _ in answers)
    troubles = [answer for _, answer in answers if isinstance(answer, Trouble)]
    told = "; ".join(_told(place, answer) for place, answer in answers)
    causes = tuple(cause for trouble in troubles for cause in trouble.causes)
    return LinkResult(
        *LINK,
        Verdict.FAILED if troubles else Verdict.OK,
        checked,
        told,
        troubles[0].code if troubles else "",
        causes,
    )


def _told(place: Place, answer: tuple[str, ...] | Trouble) -> str:
    if isinstance(answer, Trouble):
        return answer.what
    if place.proxy:
        return f"{place.host}: through the proxy"
    more = f" and {len(answer) - _SHOWN} more" if len(answer) > _SHOWN else ""
    return f"{place.host}: {', '.join(answer[:_SHOWN])}{more}"
