"""Compiling the laws: the same functions that this folder documents run inside the compiled simulation.

A law is an ordinary function of numbers or arrays. ``law`` compiles it for single numbers in single precision: its
constants become single-precision, its named arguments ordinary ones, and ``exp``, ``expm1`` and ``clip`` of
``arithmetic`` become polynomials that a processor can run on a whole row of replicates at once.

Compiled code is kept on disk in a folder named by a digest of all files it is made from, so that no change of a law, in
whatever file, can meet code that was compiled before it.
"""

import os
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numba
import numpy as np
from numba.core import config as numba_config
from numba.extending import overload

from analysis.touch import arithmetic

__all__ = ["FAST", "cached", "law", "part", "sources_of"]

FAST: Final = frozenset({"contract", "arcp", "afn", "nsz", "reassoc"})  # no promise about NaN or infinity: none occur
_OPTIONS: Final[dict[str, Any]] = {"fastmath": set(FAST), "error_model": "numpy", "_nrt": False}
_IMPORT: Final = re.compile(r"^from analysis\.touch(?:\.(\w+))? import (\([^)]*\)|.*)$", re.MULTILINE)
_NAME: Final = re.compile(r"\w+")
_HERE: Final = Path(__file__).resolve().parent


def law(function: Callable[..., Any]) -> Any:
    """Return the law compiled for single numbers, in single precision."""
    code = function.__code__
    single = tuple(np.float32(c) if isinstance(c, int | float) else c for c in code.co_consts)
    plain = FunctionType(
        code.replace(co_argcount=code.co_argcount + code.co_kwonlyargcount, co_kwonlyargcount=0, co_consts=single),
        {**function.__globals__, **{n: np.float32(v) for n, v in function.__globals__.items() if _is_real(v)}},
        function.__name__,
        tuple(np.float32(d) for d in (function.__kwdefaults__ or {}).values()) or None,
    )
    return numba.njit(forceinline=True, **_OPTIONS)(plain)


def part(function: Callable[..., Any]) -> Any:
    """Return a part of the simulation compiled; its real constants become single-precision ones.

    Its code is put where it is called: a call would hand over hundreds of numbers, and a loop around it could not run
    on whole vectors. Arrays are not counted by reference: nothing here makes or keeps one.
    """
    code = function.__code__
    single = tuple(np.float32(c) if isinstance(c, float) else c for c in code.co_consts)
    plain = FunctionType(code.replace(co_consts=single), function.__globals__, function.__name__)
    return numba.njit(forceinline=True, **_OPTIONS)(plain)


def cached(function: Callable[..., Any]) -> Any:
    """Return the function compiled, without the interpreter's lock, and kept on disk for the next process."""
    config: Any = numba_config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(
        _cache_folder(Path(function.__code__.co_filename))
    )  # read once, when the function below is made
    try:
        return numba.njit(cache=True, nogil=True, **_OPTIONS)(function)
    finally:
        config.CACHE_DIR = before


def _cache_folder(kernel: Path) -> Path:
    """Return the folder of this version's compiled code; folders of versions that are gone are removed."""
    digest = sha256()
    for path in sources_of(kernel):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    writable = os.access(_HERE, os.W_OK)
    home = _HERE / "__pycache__" if writable else Path.home() / ".cache" / "siyu"
    folder = home / f"{kernel.stem}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        for old in home.glob(f"{kernel.stem}-*"):
            shutil.rmtree(old, ignore_errors=True)
    return folder


def sources_of(module: Path) -> list[Path]:
    """Return the files of this folder that a module is made from: itself, and all it imports, however far away."""
    found, waiting = {_HERE / "compiled.py"}, [module]
    while waiting:
        path = waiting.pop()
        if path in found and path.name != "compiled.py":
            continue
        found.add(path)
        for folder, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
            parts = [folder] if folder else _NAME.findall(names)
            waiting += [_HERE / f"{part}.py" for part in parts if _HERE / f"{part}.py" not in found]
    return sorted(found)


def _is_real(value: Any) -> bool:
    return isinstance(value, float)


@overload(arithmetic.exp, strict=False, jit_options={"fastmath": set(FAST), "forceinline": True})
def _exp(x: Any) -> Any:
    del x
    return lambda x: _single_exp(x)  # noqa: PLW0108 - numba wants a plain function


@overload(arithmetic.expm1, strict=False, jit_options={"fastmath": set(FAST), "forceinline": True})
def _expm1(x: Any) -> Any:
    del x
    return lambda x: _single_expm1(x)  # noqa: PLW0108 - numba wants a plain function


@overload(arithmetic.log, strict=False, jit_options={"fastmath": set(FAST), "forceinline": True})
def _log(x: Any) -> Any:
    del x
    return lambda x: _single_log(x)  # noqa: PLW0108 - numba wants a plain function


@overload(arithmetic.clip, strict=False, jit_options={"fastmath": set(FAST), "forceinline": True})
def _clip(x: Any, lowest: Any, highest: Any) -> Any:
    del x, lowest, highest
    return lambda x, lowest, highest: min(max(x, lowest), highest)


@numba.njit(fastmath={"contract", "nsz"}, forceinline=True)  # reassociation would undo the two-step reduction
def _single_exp(x: Any) -> Any:
    """Return e to the x in single precision, within 2 units in the last place (Cephes' expf)."""
    x = min(max(np.float32(x), np.float32(-87.0)), np.float32(88.0))
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    f = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4) * f + np.float32(1.3981999507e-3)
    p = p * f + np.float32(8.3334519073e-3)
    p = p * f + np.float32(4.1665795894e-2)
    p = p * f + np.float32(1.6666665459e-1)
    p = p * f + np.float32(5.0000001201e-1)
    p = p * f * f + f + np.float32(1.0)
    return p * np.int32(np.int32(np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@numba.njit(fastmath=set(FAST), forceinline=True)
def _single_expm1(x: Any) -> Any:
    """Return e to the x less 1 in single precision, by its series near 0."""
    near = x * (np.float32(1.0) + x * (np.float32(0.5) + x * (np.float32(1 / 6) + x * np.float32(1 / 24))))
    far = _single_exp(x) - np.float32(1.0)
    return near if abs(x) < np.float32(0.1) else far


@numba.njit(fastmath={"contract", "nsz"}, forceinline=True)
def _single_log(x: Any) -> Any:
    """Return the logarithm of a positive number in single precision (Cephes' logf)."""
    bits = np.float32(x).view(np.int32)
    e = np.float32(np.int32(bits >> np.int32(23)) - np.int32(126))
    m = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)  # in [0.5, 1)
    small = m < np.float32(0.707106781)
    e = e - np.float32(1.0) if small else e
    m = m + m - np.float32(1.0) if small else m - np.float32(1.0)
    z = m * m
    p = np.float32(7.0376836292e-2) * m - np.float32(1.1514610310e-1)
    p = p * m + np.float32(1.1676998740e-1)
    p = p * m - np.float32(1.2420140846e-1)
    p = p * m + np.float32(1.4249322787e-1)
    p = p * m - np.float32(1.6668057665e-1)
    p = p * m + np.float32(2.0000714765e-1)
    p = p * m - np.float32(2.4999993993e-1)
    p = p * m + np.float32(3.3333331174e-1)
    y = p * m * z + np.float32(-2.12194440e-4) * e - np.float32(0.5) * z
    return m + y + np.float32(0.693359375) * e
