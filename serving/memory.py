"""How much memory the server takes, for its health and its metrics."""

import psutil
import torch


def resident_bytes() -> int:
    """Main memory that this process holds, with what it shares with others."""
    return int(psutil.Process().memory_info().rss)


def accelerator_bytes() -> int:
    """Memory of the GPU that tensors take; 0 where none is in use. Never the first to touch the GPU."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return sum(torch.cuda.memory_allocated(number) for number in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        return int(torch.mps.current_allocated_memory())
    return 0
