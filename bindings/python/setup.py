"""Builds the library and puts it into the wheel.

With MARTLET_PREFIX set, the library installed there is taken and no Swift toolchain is needed. Otherwise
`bindings/c/install.sh` builds it, which needs the clone around this folder.
"""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
# Named so that the clone ignores it.
SCRATCH = HERE / ".build-python"
LIBRARY = "libmartlet.so.0"


def library() -> Path:
    prefix = os.environ.get("MARTLET_PREFIX")
    if not prefix:
        install = HERE.parent / "c" / "install.sh"
        if not install.exists():
            raise SystemExit(
                "martlet: the library is built from its sources, and they are not beside this folder: install from a "
                "clone (pip install ./bindings/python), from a wheel, or set MARTLET_PREFIX to an installed library"
            )
        prefix = str(SCRATCH / "prefix")
        subprocess.run(["bash", str(install), "--prefix", prefix], check=True)
    found = Path(prefix) / "lib" / LIBRARY
    if not found.exists():
        raise SystemExit(f"martlet: MARTLET_PREFIX has no {found}")
    return found


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        # An editable install runs from the sources.
        package = HERE / "src" / "martlet" if self.editable_mode else Path(self.build_lib) / "martlet"
        package.mkdir(parents=True, exist_ok=True)
        # Beside and renamed: a running program may have the old one mapped.
        new = package / (LIBRARY + ".new")
        shutil.copyfile(library(), new)
        new.chmod(0o755)
        new.replace(package / LIBRARY)


class PlatformWheel(bdist_wheel):
    """One wheel for every Python, for this platform: it holds a library, but no module for an interpreter's ABI."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> "tuple[str, str, str]":
        return ("py3", "none", super().get_tag()[2])


class NoSources(sdist):
    def run(self) -> None:
        raise SystemExit(
            "martlet: a source archive would lack the library's sources; build a wheel: pip wheel ./bindings/python"
        )


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return True


SCRATCH.mkdir(exist_ok=True)
setup(
    distclass=WithLibrary,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel, "sdist": NoSources},
    options={"build": {"build_base": str(SCRATCH)}, "egg_info": {"egg_base": str(SCRATCH)}},
)
