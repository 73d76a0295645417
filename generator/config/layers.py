"""The two files of an environment, read, checked by themselves, and laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generator.config.structure import structure_faults
from generator.config.text_file import read_text
from generator.config.tree import NO_ENTRIES, Place, Section, overlay
from generator.config.yaml_file import read_yaml
from generator.errors import Fault


@dataclass(frozen=True, slots=True)
class Layer:
    """One file."""

    tree: Section | None
    """None if the file could not be understood; empty if there is none."""

    faults: tuple[Fault, ...] = ()


def read_layer(path: Path, *, common: bool) -> Layer:
    """Read one file and check what can be checked in it alone.

    Args:
        path: The file; messages name it as it stands here.
        common: Whether it is `common.yaml`, which need not exist.
    """
    file = str(path)
    if common and not path.exists():
        return Layer(Section(NO_ENTRIES, Place(file, 1)))
    content = read_text(path)
    if content.text is None:
        return Layer(None, content.faults)
    read = read_yaml(content.text, file=file)
    if read.tree is None:
        return Layer(None, read.faults)
    return Layer(read.tree, (*read.faults, *structure_faults(read.tree, common=common)))


@dataclass(frozen=True, slots=True)
class Layers:
    """The merged files of one environment."""

    tree: Section
    file: str
    """The environment's own file."""

    partial: bool
    """Whether one of the files could not be understood."""

    faults: tuple[Fault, ...]


def lay(common: Layer, own: Layer, *, file: str) -> Layers:
    """Put an environment's own layer over the common one."""
    nothing = Section(NO_ENTRIES, Place(file, 1))
    return Layers(
        tree=overlay(common.tree or nothing, own.tree or nothing),
        file=file,
        partial=common.tree is None or own.tree is None,
        faults=(*common.faults, *own.faults),
    )
