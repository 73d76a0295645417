"""Two imports of one package from two machines: one goes on while the other pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from fault_desk import LAYOUTS, Came, Desk, commits, desk, orphans
from fault_packages import Rendered
from matrix import Undisturbed, wrong
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from generator.errors import ExitCode


class _Turn(BaseAdapter):
    """Runs something before the Nth request."""

    def __init__(self, inner: BaseAdapter, *, at: int, run: Callable[[], None]) -> None:
        super().__init__()
        self._inner = inner
        self._at = at
        self._count = 0
        self._run = run

    def send(self, request: PreparedRequest, *rest: object, **more: object) -> Response:
        self._count += 1
        if self._count == self._at:
            self._run()
        return self._inner.send(request, *rest, **more)  # type: ignore[arg-type]

    def close(self) -> None:
        self._inner.close()


def _left(made: Desk, wanted: Undisturbed) -> list[str]:
    """What is not as it should be; a commit that was refused as the second is none."""
    return [text for text in wrong(made, wanted) if "begun" not in text]


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS[:1])
def test_another_import_before_a_write(rendered: Rendered, layout: str) -> None:
    _, _, wanted = rendered(layout)
    _try(rendered, layout, sorted({at - near for at in wanted.writes for near in (0, 1)}))


@pytest.mark.faults
@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_import_before_any_request(rendered: Rendered, layout: str) -> None:
    _, _, wanted = rendered(layout)
    _try(rendered, layout, range(2, len(wanted.requests)))


def _try(rendered: Rendered, layout: str, points: Iterable[int]) -> None:
    """A whole second import, from another machine, before these requests of the first."""
    environment, package, wanted = rendered(layout)
    found: list[str] = []
    for at in points:
        made = desk(environment, package)
        other: list[Came] = []

        def second(made: Desk = made, other: list[Came] = other) -> None:
            made.forget()
            other.append(made.call())

        first = made.call(on_adapter=lambda inner, at=at, run=second: _Turn(inner, at=at, run=run))
        codes = (first.code, other[0].code)
        name = f"{layout} before {at} ({wanted.requests[at - 1]}): {codes} {first.codes}"
        if max(commits(made).values()) > 1:
            found.append(f"{name}: committed {commits(made)}")
        is_well = set(commits(made).values()) == {1} and not orphans(made)
        if ExitCode.OK in codes and not is_well:
            found.append(f"{name}: a false success")
        made.forget()
        last = made.call()
        if "set-reopened" in first.codes:
            # The one gap that no read can close: between the last look and the upload.
            if not wanted.requests[at - 1].endswith(("/upload.do", "/sys_upload.do")):
                found.append(f"{name}: reopened")
            if last.codes != ["set-reopened"] or set(commits(made).values()) - {0, 1}:
                found.append(f"{name}: then {last.codes} {commits(made)}")
        elif last.code is not ExitCode.OK or _left(made, wanted):
            found.append(f"{name}: then {last.codes} {_left(made, wanted)}")
    assert not found, "\n".join(found)
