"""Loads an environment whose application may not exist yet.

A render needs tenant and client ID; the script that registers the application cannot, because it
is what makes them. Everything else in the environment file has to be right.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from generator.azure.setup import UNKNOWN_CLIENT, UNKNOWN_TENANT
from generator.config.azure_settings import Settled
from generator.config.layers import Layers
from generator.config.load import Loader
from generator.config.validation import Validated

_IDS: Final = frozenset({"azure.tenant_id", "azure.client_id"})


class SetupLoader(Loader):
    """A `Loader` for which the two ids and the files that will hold them may be missing."""

    def _azure(self, checked: Validated, layers: Layers, directory: Path) -> Settled:
        settled = super()._azure(checked, layers, directory)
        if all(fault.code != "missing-outputs" for fault in settled.faults):
            return self._without_ids(settled, checked, layers, directory)
        # Files that are named and not there yet are what the script will write.
        written = checked.azure.outputs or ()
        there = tuple(name for name in written if (directory / name).exists())
        checked = replace(checked, azure=replace(checked.azure, outputs=there))
        settled = super()._azure(checked, layers, directory)
        return self._without_ids(settled, checked, layers, directory)

    def _without_ids(
        self, settled: Settled, checked: Validated, layers: Layers, directory: Path
    ) -> Settled:
        missing = {fault.path for fault in settled.faults if fault.code == "missing-key"}
        if not missing or not missing <= _IDS or len(missing) < len(settled.faults):
            return settled
        azure = checked.azure
        if "azure.tenant_id" in missing:
            azure = replace(azure, tenant_id=UNKNOWN_TENANT)
        if "azure.client_id" in missing:
            azure = replace(azure, client_id=UNKNOWN_CLIENT)
        return super()._azure(replace(checked, azure=azure), layers, directory)
