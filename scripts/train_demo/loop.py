"""The loop that the training stages share: learning-rate schedule, precision, progress."""

import math
import time

import torch

WARMUP_STEPS = 200
REPORT_EVERY_SECONDS = 10


def low_precision(device):
    """bf16 autocast on a GPU; fp32 on a CPU, where it would only be slower. No cast cache: the cast
    of a weight must happen inside the CUDA graph that uses it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda",
                          cache_enabled=False)


def device_name(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def rate(step, steps):
    """Linear warm-up, then half a cosine down to a hundredth."""
    warmup = min(WARMUP_STEPS, max(steps // 10, 1))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def run(name, steps, optimizers, step):
    """Calls step(index) for every step, which returns tensors to report. Returns seconds."""
    optimizers = optimizers if isinstance(optimizers, (list, tuple)) else [optimizers]
    groups = [(group, float(group["lr"])) for optimizer in optimizers
              for group in optimizer.param_groups]
    start = reported = time.monotonic()
    for index in range(steps):
        for group, base in groups:
            now = base * rate(index, steps)
            # A tensor is read by the CUDA graph that holds the optimizer's step.
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(now)
            else:
                group["lr"] = now
        figures = step(index)
        if index + 1 == steps or time.monotonic() - reported > REPORT_EVERY_SECONDS:
            reported = time.monotonic()
            text = "  ".join(f"{key} {value.item():.5g}" for key, value in figures.items())
            print(f"{name} {index + 1}/{steps}  {reported - start:.0f} s  {text}", flush=True)
    return time.monotonic() - start


def graphed(step, device):
    """`step` as one CUDA graph: a small model's step is bound by kernel launches otherwise. The three
    warm-up passes are real steps, all on the batch of the first call; capturing computes nothing. On a
    CPU the step itself."""
    if device.type != "cuda":
        return step
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        figures = step()

    def replay():
        graph.replay()
        return figures

    return replay


def compiled(function, device):
    """Fuses the small elementwise kernels on a GPU."""
    return torch.compile(function) if device.type == "cuda" else function
