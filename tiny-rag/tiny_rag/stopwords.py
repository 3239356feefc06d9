"""Words that say how a sentence is built, not what it is about; and a guess at the language from them.

Dropping them matters twice: BM25 needn't rank them, and the topics of `lsa.py` aren't spent on them.
"""

ENGLISH = frozenset(
    """a about above after again against all also although am among an and another any are aren as at be because been
    before being below between both but by can cannot could couldn did didn do does doesn doing don done down during
    each either else etc ever few for from further had hadn has hasn have haven having he her here hers herself him
    himself his how however i if in into is isn it its itself just let may me might more most much must my myself
    neither no nor not now of off often on once one only onto or other others our ours ourselves out over own per quite
    rather s same shall she should shouldn since so some such t than that the their theirs them themselves then there
    therefore these they this those through thus to too toward towards under until up upon us very via was wasn we were
    weren what when where whether which while who whom whose why will with within without won would wouldn yet you your
    yours yourself yourselves""".split()
)

CHINESE = frozenset(
    """的 了 是 在 和 有 与 與 为 為 以 及 之 于 於 被 由 从 從 对 對 也 就 都 而 其 这 這 那 哪 吗 嗎 呢 啊 吧 着 著
    地 得 把 将 將 向 到 中 上 下 里 裡 谁 誰 何 个 個 几 幾 此 并 並 或 但 因 所 什么 什麼 怎么 怎麼 怎样 怎樣 如何
    多少 哪些 哪个 哪個 哪里 哪裡 哪儿 为什么 為什麼 是否 可以 我们 我們 他们 他們 你们 你們 以及 因为 因為 所以 但是
    这个 這個 那个 那個 一个 一個""".split()
)
# A pair of characters with one of these in it is no word: 的人, 了一.
CHINESE_PARTICLES = frozenset("的了是在和与與之于於吗嗎呢")

# Enough of each language to recognise it; words that are also English ("die", "an", "me") count for neither side.
_OTHER_LANGUAGES = {
    "de": "der das und ist nicht ein eine einer mit für auf dem den von zu sich auch wird wie wo wer bei nach oder aus "
    "haben hat sind viele welche",
    "fr": "le la les des une est et dans pour qui que sur pas avec ce cette sont au aux du par où quel quelle comment "
    "combien ont",
    "es": "el los las una es y en por para con del se lo qué cómo dónde cuál quién su al como pero más fue son",
    "it": "il lo gli una è di che per con del della nel non sono come dove chi quale anche più dei delle alla",
    "pt": "o os um uma é e em por para com do da dos das não que como onde qual quem mais foi são ao pela",
    "nl": "het een en van niet zijn dat met voor op te aan wie waar hoe wat bij naar ook worden deze",
}
OTHER_LANGUAGES = {code: frozenset(words.split()) - ENGLISH for code, words in _OTHER_LANGUAGES.items()}


def is_english(words: list[str]) -> bool:
    """Whether lower-case Latin words read as English: they do, unless another language has more function words.

    Names and bare keywords carry no function words at all and pass as English.
    """
    english = sum(word in ENGLISH for word in words)
    return all(sum(word in known for word in words) <= english for known in OTHER_LANGUAGES.values())
