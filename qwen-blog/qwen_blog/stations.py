"""The stations of the journey: what each is called, its formula, and what to look for there, in English and Chinese."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Station:
    title: tuple[str, str]
    formula: str
    about: tuple[str, str]


STATIONS: dict[str, Station] = {
    "text": Station(
        ("Text", "文本"), "text",
        ("What you wrote, in Unicode's composed form (NFC). It is cut into pre-tokens, which no merge crosses.",
         "你写下的文字，已规范成 Unicode 的合成形式（NFC），并切成一个个预词元；合并不会跨过预词元的边界。")),
    "bytes": Station(
        ("Bytes", "字节"), "UTF-8(text)",
        ("A computer's view: one to four bytes for each character. Every text has bytes, so no text is unknown.",
         "计算机眼里的文本：每个字符占一到四个字节。任何文本都能写成字节，所以不存在“未知词”。")),
    "ids": Station(
        ("Token ids", "词元编号"), "ids = BPE(bytes)",
        ("Byte pairs that occur often were joined into tokens. From here on, the model sees only these numbers.",
         "常见的字节对被合并成词元。从这里开始，模型看到的只有这些编号。")),
    "embed": Station(
        ("Embedding", "嵌入"), "x = E[id]",
        ("Each id picks its row of the embedding matrix. Equal tokens have equal rows: none knows its neighbours yet.",
         "每个编号取出嵌入矩阵里自己的那一行。相同的词元，行也相同：此时谁都还不认识邻居。")),
    "stream": Station(
        ("The stream, some layers on", "几层之后的数据流"), "x",
        ("The layers in between ran, too, but aren't looked at here. This is what they made of the rows.",
         "中间的层也都执行了，只是这里不逐一查看。这是它们处理之后的各行。")),
    "norm": Station(
        ("RMSNorm before attention", "注意力之前的 RMSNorm"), "x̂ = x / √(mean(x²) + ε) · w",
        ("Each row is brought to one length, then each channel is stretched by a learnt weight. The stream itself "
         "stays as it is: attention reads a copy.",
         "每一行都缩放到同一长度，再按学到的权重逐通道拉伸。主干数据流本身不变：注意力读的是一份副本。")),
    "query": Station(
        ("Queries", "查询 q"), "q = x̂ Wqᵀ + bq",
        ("What each token looks for, cut into heads.", "每个词元在找什么；结果按头切开。")),
    "key": Station(
        ("Keys", "键 k"), "k = x̂ Wkᵀ + bk",
        ("What each token offers to be found by. Several heads of queries share one head of keys (GQA).",
         "每个词元凭什么被找到。若干个查询头共用一个键头（GQA）。")),
    "value": Station(
        ("Values", "值 v"), "v = x̂ Wvᵀ + bv",
        ("What each token gives to those who look at it.", "词元被看到时，会交出什么。")),
    "query_norm": Station(
        ("Queries, normalised (Qwen3)", "归一化后的查询（Qwen3）"), "q ← RMSNorm(q)",
        ("Qwen3 has no bias here, but a norm: scores can't grow without bound.",
         "Qwen3 在这里没有偏置，而是加了归一化：分数不会无限变大。")),
    "key_norm": Station(
        ("Keys, normalised (Qwen3)", "归一化后的键（Qwen3）"), "k ← RMSNorm(k)",
        ("The same for the keys.", "对键做同样的事。")),
    "turned_query": Station(
        ("Queries, turned (RoPE)", "旋转后的查询（RoPE）"), "R(t·θ^(−2i/K)) · (q[i], q[i+K/2])",
        ("Each pair of numbers is turned by an angle that grows with the position: early pairs fast, late pairs "
         "slowly. No length changes.",
         "每对数字按位置转过一个角度：靠前的对转得快，靠后的对转得慢。长度不变。")),
    "turned_key": Station(
        ("Keys, turned (RoPE)", "旋转后的键（RoPE）"), "R(t·θ^(−2i/K)) · (k[i], k[i+K/2])",
        ("Both are turned, so their product depends only on how far apart they are.",
         "查询和键都转过，于是两者的乘积只取决于它们相隔多远。")),
    "scores": Station(
        ("Scores", "分数"), "s = q · k / √K",
        ("How well each query (row) fits each key (column), in every head. Dividing by √K keeps the spread near 1.",
         "每个头里，各查询（行）与各键（列）有多契合。除以 √K，使分数的波动保持在 1 上下。")),
    "masked": Station(
        ("Mask", "掩码"), "s[t, u] = −∞ where u > t",
        ("Nobody looks ahead: what comes later is what is to be foretold.",
         "谁也不能往后看：后面的内容正是要预测的。")),
    "weights": Station(
        ("Softmax", "softmax"), "w = exp(s) / Σ exp(s)",
        ("Each row becomes shares that add up to 1. Look for a head whose line runs parallel to the diagonal.",
         "每一行变成和为 1 的份额。找找哪个头的亮线与对角线平行。")),
    "mixed": Station(
        ("Weighted values", "加权的值"), "h = w v",
        ("Each token takes home a mixture of the values that it looked at.",
         "每个词元把自己看到的值按份额混合，带回家。")),
    "joined": Station(
        ("Heads joined", "拼合各头"), "concat(h₁ … h_H)",
        ("The heads lie side by side again, in one row for each token. No number changes.",
         "各头重新并排成一行，数字本身没有变化。")),
    "attended": Station(
        ("Output of attention", "注意力的输出"), "a = h Woᵀ",
        ("The output matrix translates what the heads found into the language of the stream.",
         "输出矩阵把各头找到的东西翻译成主干数据流的语言。")),
    "middle": Station(
        ("Residual", "残差相加"), "x ← x + a",
        ("What attention found is added. Nothing is overwritten: the stream remembers.",
         "把注意力找到的加进来。什么都没有被覆盖：主干数据流记得一切。")),
    "norm_again": Station(
        ("RMSNorm before the MLP", "MLP 之前的 RMSNorm"), "x̂ = x / √(mean(x²) + ε) · w",
        ("The same norm with other weights.", "同样的归一化，另一组权重。")),
    "gate": Station(
        ("Gate", "门"), "g = SiLU(x̂ Wgᵀ)",
        ("From here every token is alone. The gate says which features open for it: near 0 is shut.",
         "从这里起，每个词元独自前行。门决定哪些特征对它打开：接近 0 就是关上。")),
    "up": Station(
        ("Up", "升维"), "u = x̂ Wuᵀ", ("What would pass through the gate.", "等着过门的内容。")),
    "gated": Station(
        ("Gated", "过门之后"), "m = g ⊙ u", ("What did pass.", "真正通过的内容。")),
    "router": Station(
        ("Router", "路由"), "r = softmax(x̂ Wrᵀ)",
        ("Which expert suits this token? One probability for each expert.",
         "哪位专家适合这个词元？给每位专家一个概率。")),
    "chosen": Station(
        ("Experts chosen", "选中的专家"), "top-k(r), normalised",
        ("Only the best few work on the token, each with its share. The others cost nothing.",
         "只有最合适的几位为这个词元工作，各占一份；其余的不花任何计算。")),
    "thought": Station(
        ("Output of the MLP", "MLP 的输出"), "y = m Wdᵀ",
        ("Back to the width of the stream.", "回到主干数据流的宽度。")),
    "experts_out": Station(
        ("Output of the experts", "专家的输出"), "y = Σ shareₑ · MLPₑ(x̂)",
        ("The chosen experts' answers, mixed by their shares.", "选中专家的回答，按份额相加。")),
    "out": Station(
        ("Residual", "残差相加"), "x ← x + y",
        ("The layer is done; its rows go on to the next one.", "这一层走完了，各行进入下一层。")),
    "final": Station(
        ("Final norm", "最后的归一化"), "x̂ = x / √(mean(x²) + ε) · w",
        ("One last time to one length, before the rows are compared with all tokens.",
         "最后一次缩放到同一长度，然后与所有词元比较。")),
    "logits": Station(
        ("Logits", "logits"), "z = x̂ Wᵀ",
        ("One number for every token of the vocabulary: how well it would come next. The 20 highest are shown.",
         "词表里每个词元得到一个数：它接在后面有多合适。这里列出最高的 20 个。")),
    "lens": Station(
        ("Logit lens", "logit 透镜"), "softmax(norm(x after layer l) Wᵀ)",
        ("What if the model had stopped after layer l? Watch from where on it knows.",
         "如果模型在第 l 层就停下，会说什么？看看它从哪一层开始知道答案。")),
    "sampled": Station(
        ("The next token", "下一个词元"), "id ~ softmax(z / temperature)",
        ("One token is taken: the most likely one, or one by chance. It is added to the text, and the journey "
         "starts again.",
         "取出一个词元：要么最可能的那个，要么按概率抽。它接到文本后面，旅程重新开始。")),
}  # fmt: skip
