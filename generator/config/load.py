"""Reads environments: the files of one, laid over each other, checked, with Azure's outputs.

This is the module that the rest of the program imports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from generator.azure.model import AzureOutputs, Notice
from generator.azure.read import read_azure_outputs
from generator.config.azure_settings import AzureInput, Settled, settle
from generator.config.claims import Claim, claim, conflicts, may_share
from generator.config.discovery import (
    COMMON_FILE,
    ENVIRONMENT_FILE,
    bad_names,
    candidates,
    unknown_environment,
)
from generator.config.environment import (
    App,
    AzureSettings,
    EmailAccountSettings,
    Environment,
    OAuthSettings,
)
from generator.config.instance_pairs import import_settings, instance_faults, instance_settings
from generator.config.keys import EmailAccountKeys, EnvironmentKeys
from generator.config.layers import Layer, Layers, lay, read_layer
from generator.config.mail_pairs import pair_faults
from generator.config.substitution import Resolver
from generator.config.sys_id_names import sys_id_faults
from generator.config.tree import Section, find
from generator.config.validation import Context, Validated, validate
from generator.errors import ConfigError, Fault

DEFAULT_OUTPUTS = "azure.json"
"""What is read if `azure.outputs` is not written and this file exists."""


def load_environment(
    root: Path,
    name: str,
    *,
    variables: Mapping[str, str],
    now: datetime,
    logical_names: Collection[str],
) -> Environment:
    """Load one environment; a `Loader` loads many with less work.

    Raises:
        UsageError: There is no such root or environment.
        ConfigError: Something is wrong in its files; every fault of all of them.
    """
    loader = Loader(root, variables=variables, now=now, logical_names=logical_names)
    return loader.load(name)


class Loader:
    """Loads the environments of one root, each file that they share once.

    loader = Loader(root, variables=os.environ, now=now, logical_names=names)
    environments = [loader.load(name) for name in discover(root)]
    loader.check_claims(environments)
    """

    def __init__(
        self,
        root: Path,
        *,
        variables: Mapping[str, str],
        now: datetime,
        logical_names: Collection[str],
    ) -> None:
        """Nothing is read yet.

        Args:
            root: The directory of the environments; messages name files as below it.
            variables: The environment variables.
            now: Aware; what counts as expired.
            logical_names: The names that `sys_ids` may hold.
        """
        self._root = root
        self._variables = variables
        self._now = now
        self._logical_names = frozenset(logical_names)
        self._claims: dict[str, Claim | None] = {}

    @cached_property
    def _candidates(self) -> frozenset[str]:
        return frozenset(candidates(self._root))

    @cached_property
    def _bad_names(self) -> dict[str, Fault]:
        return bad_names(self._root, self._candidates)

    @cached_property
    def _common(self) -> Layer:
        return read_layer(self._root / COMMON_FILE, common=True)

    def load(self, name: str) -> Environment:
        """Load one environment.

        Raises:
            UsageError: There is no such root or environment.
            ConfigError: Something is wrong in its files; every fault of all of them.
        """
        if name not in self._candidates:
            raise unknown_environment(self._root, name, self._candidates)
        if name in self._bad_names:
            raise ConfigError(self._bad_names[name])
        layers = self._layers(name)
        resolver = Resolver(self._variables)
        values = resolver.section(layers.tree, ())
        checked = validate(values, Context(layers.tree, layers.file, layers.partial))
        settled = self._azure(checked, layers, self._root / name)
        faults = [
            *layers.faults,
            *resolver.faults,
            *checked.faults,
            *sys_id_faults(layers.tree, values, logical_names=self._logical_names),
            *([] if layers.partial else instance_faults(layers.tree, values, file=layers.file)),
            *settled.faults,
        ]
        if checked.keys is not None:
            faults += pair_faults(layers.tree, checked.keys, file=layers.file)
        if faults or checked.keys is None or settled.settings is None:
            raise ConfigError(*self._in_order(faults))
        self._claims[name] = self._claim(name, layers)
        return _environment(
            name, self._root / name, checked.keys, settled.settings, settled.notices
        )

    def check_claims(self, environments: Iterable[Environment]) -> None:
        """Refuse environments that would overwrite records of another one of the root.

        The others are read as far as needed to tell; what else is wrong in them does not matter.

        Args:
            environments: Loaded by this loader.

        Raises:
            ConfigError: For each environment that shares `instance.url` and either `integration`
                or `app.scope` with another one.
        """
        names = [environment.name for environment in environments]
        own = [claimed for name in names if (claimed := self._claims[name])]
        urls = frozenset(claimed.url for claimed in own)
        others = [
            claimed
            for name in sorted(self._candidates)
            if (claimed := self._known_claim(name, urls))
        ]
        faults = conflicts(own, others)
        if faults:
            raise ConfigError(*self._in_order(faults))

    def _known_claim(self, name: str, urls: Collection[str]) -> Claim | None:
        if name not in self._claims:
            try:
                raw = (self._root / name / ENVIRONMENT_FILE).read_bytes()
            except OSError:
                return None
            if not may_share(raw, urls):
                return None
            self._claims[name] = self._claim(name, self._layers(name))
        return self._claims[name]

    def _claim(self, name: str, layers: Layers) -> Claim | None:
        return claim(layers.tree, environment=name, file=layers.file, variables=self._variables)

    def _layers(self, name: str) -> Layers:
        path = self._root / name / ENVIRONMENT_FILE
        return lay(self._common, read_layer(path, common=False), file=str(path))

    def _azure(self, checked: Validated, layers: Layers, directory: Path) -> Settled:
        files, faults = _output_files(checked.azure.outputs, layers.tree, directory)
        outputs = AzureOutputs()
        if files:
            try:
                outputs = read_azure_outputs(
                    files, now=self._now, expected_client_id=checked.azure.client_id
                )
            except ConfigError as error:
                faults = (*faults, *error.faults)
        if faults or layers.partial or not checked.azure_sound:
            return Settled(None, faults, ())
        return settle(
            AzureInput(
                keys=checked.azure,
                outputs=outputs,
                tree=layers.tree,
                file=layers.file,
                instance_url=checked.keys.instance.url if checked.keys else None,
                smtp_server=checked.keys.email_account.server if checked.keys else None,
                now=self._now,
            )
        )

    def _in_order(self, faults: Iterable[Fault]) -> list[Fault]:
        """Common file first, then the environment's, then Azure's; each from top to bottom."""
        common = str(self._root / COMMON_FILE)

        def rank(fault: Fault) -> tuple[int, str, int]:
            file = fault.file or ""
            kind = 0 if file == common else 1 if file.endswith(ENVIRONMENT_FILE) else 2
            return kind, file, fault.line or 0

        return sorted(dict.fromkeys(faults), key=rank)


def _output_files(
    written: tuple[str, ...] | None, tree: Section, directory: Path
) -> tuple[tuple[Path, ...], tuple[Fault, ...]]:
    """The files with Azure's outputs, and a fault for each that is named and missing."""
    if written is None:
        default = directory / DEFAULT_OUTPUTS
        # A link that leads nowhere was meant to be read: the reader says that it cannot be.
        return ((default,) if default.exists() or default.is_symlink() else ()), ()
    files: list[Path] = []
    faults: list[Fault] = []
    for index, name in enumerate(written):
        path = directory / name
        why_not = _unusable(path)
        if why_not is None:
            files.append(path)
            continue
        found = find(tree, ("azure", "outputs", index))
        faults.append(
            Fault(
                "missing-outputs",
                f"names a file that {why_not}; it is looked for in {directory}.",
                file=found[0].file if found else None,
                line=found[0].line if found else None,
                path=f"azure.outputs[{index}]",
                next="correct the name (relative to the environment's directory), or save Azure's "
                "outputs there",
            )
        )
    return tuple(files), tuple(faults)


def _unusable(path: Path) -> str | None:
    """Why a file cannot be looked at; None if it can."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be read ({error.strerror or 'unknown reason'})"
    except ValueError:
        return "no file system can name"
    return None


def _environment(
    name: str,
    directory: Path,
    keys: EnvironmentKeys,
    azure: AzureSettings,
    notices: tuple[Notice, ...],
) -> Environment:
    account = keys.email_account
    return Environment(
        name=name,
        directory=directory,
        release=keys.release,
        version=keys.version,
        integration=keys.integration,
        deletions=keys.deletions,
        layout=keys.layout,
        author=keys.author,
        app=App(keys.app.name, keys.app.scope, keys.app.version, keys.app.vendor),
        instance_url=keys.instance.url,
        azure=azure,
        oauth=OAuthSettings(keys.oauth.name or account.name, keys.oauth.comments),
        email_account=_account(account, azure),
        sys_ids=MappingProxyType(dict(keys.sys_ids)),
        notices=notices,
        instance=instance_settings(keys.instance, directory=directory),
        imports=import_settings(keys.imports),
    )


def _account(keys: EmailAccountKeys, azure: AzureSettings) -> EmailAccountSettings:
    return EmailAccountSettings(
        name=keys.name,
        user_name=keys.user_name,
        from_address=keys.from_address or "",
        label=keys.label,
        server=keys.server or azure.smtp,
        port=keys.port,
        connection_security=keys.connection_security,
        live=keys.live,
        enable_debug_output=keys.enable_debug_output,
    )
