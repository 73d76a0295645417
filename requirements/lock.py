"""Writes the lock files: every distribution with its hashes, and no download address.

Run by `make lock`; needs pip-tools, which it installs beside the development tools.
"""

import subprocess
import sys
from pathlib import Path

OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
)


def main() -> None:
    """Compile each lock from pyproject.toml; dev first, the others within its versions."""
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "pip-tools"], check=True)
    compile_lock(here / "dev.lock", ["--extra", "dev", "--extra", "build"])
    within = ["--constraint", str(here / "dev.lock")]
    compile_lock(here / "core.lock", within)
    compile_lock(here / "sandbox.lock", ["--extra", "sandbox", *within])
    compile_names(here / "build.lock", "editables\nhatchling\n", within)
    # Never beside ours: it pins half of what it needs.
    compile_names(here / "azure-cli.lock", "azure-cli\n", [])


def compile_names(target: Path, names: str, options: list[str]) -> None:
    """Run pip-compile for what no extra of ours names."""
    source = target.with_suffix(".in")
    source.write_text(names, encoding="utf-8")
    compile_lock(target, options, source=source)
    source.unlink()


def compile_lock(target: Path, options: list[str], source: Path = Path("pyproject.toml")) -> None:
    """Run pip-compile for one lock file."""
    command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *options]
    subprocess.run([*command, "--output-file", str(target), str(source)], check=True)
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
