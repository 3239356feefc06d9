"""The costs as a picture: where the parameters are, and how the cache grows with the context."""

from io import BytesIO

from qwen_blog import costs
from qwen_blog.config import QwenConfig


def cost_plot(config: QwenConfig, title: str) -> bytes:
    """A PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    everything = costs.groups(config)
    total = sum(group.parameters for group in everything)
    groups = [group for group in everything if group.parameters * 500 > total]
    names = [group.name for group in groups][::-1]
    left.barh(names, [group.parameters / 1e6 for group in groups][::-1], color="#d5dbe5", label="all")
    left.barh(
        names, [group.active / 1e6 for group in groups][::-1], color="#1d4ed8", height=0.4, label="used by one token"
    )
    left.set_xlabel("million parameters")
    left.legend(loc="lower right")
    contexts = costs.CONTEXTS
    weights = total * costs.BYTES["bfloat16"]
    for dtype, colour in (("bfloat16", "#1d4ed8"), ("float32", "#c2410c")):
        for grouped, style in ((True, "-"), (False, ":")):
            sizes = [costs.cache_bytes(config, context, dtype, grouped) / 2**20 for context in contexts]
            label = f"{dtype}, {config.groups if grouped else config.num_attention_heads} key heads"
            right.plot(contexts, sizes, style, color=colour, marker="o", label=label)
    right.axhline(weights / 2**20, color="#5d6878", linewidth=1, linestyle="--", label="the weights in bfloat16")
    right.set(xscale="log", yscale="log", xlabel="positions", ylabel="MiB of cache for one text")
    right.legend()
    figure.suptitle(title)
    out = BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()
