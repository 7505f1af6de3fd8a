import pytest
import torch

from recs.ml import devices
from recs.ml.devices import Precision, pick_precision

CPU = torch.device("cpu")


def test_the_cpu_is_used_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.pick_device() == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.pick_device() == torch.device("cuda")
    assert devices.pick_device("cpu") == CPU


def test_bf16_is_used_only_where_the_hardware_has_it(monkeypatch):
    monkeypatch.setattr(devices, "has_fast_bf16", lambda device: False)
    assert pick_precision("auto", CPU) == Precision(False, torch.float32)
    monkeypatch.setattr(devices, "has_fast_bf16", lambda device: True)
    assert pick_precision("auto", CPU) == Precision(False, torch.bfloat16)
    assert pick_precision("auto", torch.device("cuda")) == Precision(True, torch.bfloat16)
    assert pick_precision("fp32", CPU) == Precision(False, torch.float32)
    assert pick_precision("bf16", CPU) == Precision(True, torch.bfloat16)
    with pytest.raises(ValueError, match="fp16"):
        pick_precision("fp16", CPU)


def test_old_gpus_are_not_asked_for_bf16(monkeypatch):
    for capability, has in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda device, found=capability: found
        )
        assert devices.has_fast_bf16(torch.device("cuda")) is has


def test_precision_holds_within_its_block_alone():
    assert devices.product_dtype() == torch.float32
    weights = torch.ones(2, 2)
    with devices.using(Precision(True, torch.bfloat16), CPU):
        assert devices.product_dtype() == torch.bfloat16
        assert (weights @ weights).dtype == torch.bfloat16
    assert devices.product_dtype() == torch.float32
    assert (weights @ weights).dtype == torch.float32
    with pytest.raises(KeyError), devices.using(Precision(False, torch.bfloat16), CPU):
        raise KeyError
    assert devices.product_dtype() == torch.float32


def test_lack_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as found:
        # More than any address space holds: the CPU allocator's real error.
        torch.empty(1 << 60, dtype=torch.uint8)
    assert devices.is_out_of_memory(found.value)
    assert devices.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert devices.is_out_of_memory(MemoryError())
    assert not devices.is_out_of_memory(RuntimeError("shapes do not fit"))
    assert not devices.is_out_of_memory(ValueError("can't allocate memory"))
