"""Which device a run uses, where bf16 is faster there, and how lack of memory shows."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

import torch

PRECISIONS = ("auto", "fp32", "bf16")

# Set by `precision()` round a step; the losses ask for it.
_products: contextvars.ContextVar[torch.dtype] = contextvars.ContextVar(
    "products", default=torch.float32
)


@dataclass(frozen=True, slots=True)
class Precision:
    """How numbers are multiplied; weights and optimizer states are fp32 always.

    `autocast`: the network's layers run under torch.autocast in bf16. `products`: dtype in which
    the losses multiply with the whole item table.
    """

    autocast: bool
    products: torch.dtype


def pick_device(name: str | None = None) -> torch.device:
    """The named device, else the first GPU, else the CPU."""
    if name is not None:
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 itself; emulating it would be slower than fp32."""
    if device.type == "cuda":
        # Tensor cores for bf16 came with compute capability 8.
        return torch.cuda.get_device_capability(device) >= (8, 0)
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def pick_precision(wish: str, device: torch.device) -> Precision:
    """What "auto", "fp32" or "bf16" means on a device.

    On a CPU only the products with the item table are worth it: the layers are too small for what
    the casts cost. "bf16" forces it everywhere, also where it is emulated.
    """
    if wish not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {wish!r}.")
    if wish == "bf16":
        return Precision(autocast=True, products=torch.bfloat16)
    if wish == "fp32" or not has_fast_bf16(device):
        return Precision(autocast=False, products=torch.float32)
    return Precision(autocast=device.type == "cuda", products=torch.bfloat16)


@contextlib.contextmanager
def using(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within it, layers and losses multiply as `precision` says."""
    token = _products.set(precision.products)
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision.autocast):
            yield
    finally:
        _products.reset(token)


def product_dtype() -> torch.dtype:
    """In which dtype to multiply with the whole item table here and now."""
    return _products.get()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is full."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU's allocator has no error of its own.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
