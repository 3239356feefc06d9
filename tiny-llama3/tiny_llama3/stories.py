"""Very short stories from a grammar whose entropy is known exactly, so a loss can be compared with the best possible.

The idea of a language that is small enough for a small model is that of TinyStories (Eldan and Li 2023,
arXiv:2305.07759). The notation is explained in grammar.py.
"""

import random
from collections.abc import Sequence
from functools import cache
from math import log2

from tiny_llama3.grammar import Grammar
from tiny_llama3.problem import Problem

ENGLISH = """
story = {opening} {middle}
opening = 4 Once there was a {nature} {kind} named {hero} who | 3 {hero} the {nature} {kind}
    | 2 A {nature} {kind} named {hero} | 1 Long ago, a {nature} {kind} named {hero}
nature = 4 little | 3 young | 2 shy | 2 brave | merry | clever | quiet | curious
kind = 3 rabbit | 3 mouse | 2 fox | 2 bear | 2 squirrel | kitten | puppy | hedgehog | lamb | piglet
hero.She.she.her = {girl} / She / she / her | {boy} / He / he / his
girl = Lily | Mia | Anna | Rosie | Daisy | Lucy | Nora | Ella | Molly | Ruby | Zoe | Penny
boy = Tom | Ben | Max | Leo | Sam | Finn | Jack | Noah | Toby | Oliver | Henry | Charlie
middle = 7 had a {colour} {thing} {bond}. {outing} {plot} | 3 loved to {hobby}. {walk} {found}

colour = 4 red | 3 blue | 3 yellow | 2 green | 2 white | purple | pink | brown
thing.flaw.mend = 5 {soft} / a hole / sewed it up | 4 {hard} / a crack / glued it together
soft = 3 kite | 2 ball | 2 hat | scarf | blanket | doll | coat
hard = 3 boat | 2 cup | 2 drum | bell | box | flute | train
bond = 3 and took it everywhere | 3 and loved it very much | 2 from {hero.her} {elder}
    | 2 that {hero.her} {elder} had made | 1 and cleaned it every day
elder = 3 grandmother | 2 father | 2 mother | aunt | uncle | grandfather
outing = 5 One {weather} {time}, {hero.she} took it {place}. | 3 On a {weather} {time}, {hero.she} carried it {place}.
    | 2 {hero.She} went {place} with it one {weather} {time}.
weather.sky = 4 sunny / in the sunshine | 3 windy / in the wind | 2 rainy / in the rain
    | 1 foggy / in the fog | 1 cloudy / under the clouds
time.until = 5 morning / until noon | 4 afternoon / until dinner | 2 evening / until bedtime
place.spot = 3 to the forest / {forest} | 2 to the river / {river} | 2 to the garden / {garden}
    | 2 to the market / {market} | 1 to the lake / {lake} | 1 to the farm / {farm}
forest = 3 under the leaves | 2 behind an oak | 1 in a hollow log
river = 3 in the reeds | 2 between two stones | 1 under a bridge
garden = 3 among the flowers | 2 behind a bench | 1 in a flower pot
market = 3 under a cart | 2 behind a barrel | 1 in a basket of plums
lake = 3 on the sand | 2 in the long grass | 1 under a pier
farm = 3 in the hay | 2 beside the well | 1 behind the barn

plot = 3 {gone} {sad} {helper} found the {colour} {thing} {place.spot}. {thanks}, {last}.
    | 3 But it got stuck {high}. {sad} {helper} {animal.way} and brought it down. {thanks}, {last}.
    | 3 There it {fell} and got {thing.flaw}. {sad} {helper} {thing.mend}. {thanks}, {last}.
    | 3 There {hero.she} met {friend}, a {heart} {animal} who {alone}. {offer} {friend} {joy}, {last}.
gone = 3 But soon the {thing} was gone. | 2 But the {thing} fell out of {hero.her} bag. | 2 Then {hero.she} lost it.
high = 4 in a tall tree | 3 on a roof | 2 on a high wall | 1 on top of a tower
fell = 3 fell down | 2 hit a rock | 2 slipped from {hero.her} hands
sad = 4 {hero} began to cry. | 3 {hero} felt very sad. | 2 {hero} did not know what to do. | 1 "Oh no!" said {hero}.
alone = 3 had no toys | 2 had no friends | 2 was all alone | 2 looked sad
offer = 4 "You can play with my {thing}!" said {hero}. | 3 {hero} let {friend.him} hold the {colour} {thing}.
    | 2 {hero} showed {friend.him} the {thing}.
joy = 4 smiled | 3 was very happy | 2 laughed with joy | 1 jumped up and down
helper = 4 {friend} the {animal} | 3 A {heart} {animal} named {friend} | 3 Then {friend}, a {heart} {animal},
friend.him = {lady} / her | {gentleman} / him
lady = Emma | Hazel | Olive | Clara | Ivy | Maggie | Sophie | Betty
gentleman = Otto | Hugo | Felix | Bruno | Oscar | George | Walter | Paul
heart = 4 kind | 3 friendly | 2 gentle | wise | strong | patient
animal.way = 3 {bird} / flew up | 2 {climber} / climbed up
bird = 3 owl | 2 crow | robin | magpie | parrot | sparrow
climber = 2 goat | 2 monkey | raccoon | lizard
thanks = 4 "Thank you, {friend}!" said {hero} | 3 {hero} gave {friend.him} {gift} | 2 {hero} hugged {friend.him}
gift = 3 a cookie | 2 an apple | 2 some honey | a flower | a cake | a song
last = 4 and they played {weather.sky} {time.until} | 3 and from that day on they were best friends
    | 2 and at home {hero} told {hero.her} {elder} about the {heart} {animal}

hobby = 3 sing | 2 dance | 2 paint | read | cook | run | jump
walk = 5 One {weather} {time}, {hero.she} went {place} and found a {colour} {thing} {place.spot}.
    | 3 On a {weather} {time}, {hero.she} walked {place} and saw a {colour} {thing} {place.spot}.
found = {owner} {return} {reward}, {after}.
owner = 4 It belonged to {friend}, a {heart} {animal}. | 3 {friend} the {animal} had lost it there.
    | 2 {hero.She} knew that it belonged to {friend} the {animal}.
return = 3 {hero} gave it back. | 2 {hero} took it to {friend.him} at once. | 2 "Is this your {thing}?" asked {hero}.
reward = 4 "Thank you, {hero}!" said {friend} | 3 {friend} gave {hero} {gift} | 2 {friend} {joy}
after = 3 and they went out to {hobby} {weather.sky} | 3 and from that day on they loved to {hobby} together
    | 2 and they played with the {colour} {thing} {time.until}
"""

CHINESE = """
story = {opening}{middle}
opening = 4 从前有一只{nature}的{kind}，名叫{hero}。 | 3 {hero}是一只{nature}的{kind}。
    | 2 {home}住着一只{nature}的{kind}，大家叫{hero.ta}{hero}。
nature = 4 可爱 | 3 聪明 | 2 勇敢 | 2 害羞 | 快乐 | 安静 | 好奇 | 活泼
kind = 3 小兔 | 3 小猫 | 2 小熊 | 2 小狐狸 | 2 小松鼠 | 小老鼠 | 小狗 | 小刺猬 | 小羊 | 小鹿
hero.ta = {girl} / 她 | {boy} / 他
girl = 朵朵 | 花花 | 甜甜 | 妞妞 | 莉莉 | 美美 | 婷婷 | 圆圆 | 小雨 | 小雪 | 小月 | 小梅
boy = 豆豆 | 乐乐 | 嘟嘟 | 明明 | 壮壮 | 强强 | 聪聪 | 东东 | 虎虎 | 阿宝 | 阿福 | 阿力
home = 3 山脚下 | 2 村口 | 2 大树下 | 石桥旁 | 竹林里
middle = 7 {hero.ta}有{thing}，{bond}。{outing}{plot} | 3 {hero.ta}最喜欢{hobby}。{walk}{found}

thing.it.flaw.mend = 3 一只{colour}的{zhi} / {zhi} / 破了一个洞 / 补好了
    | 3 一个{colour}的{ge} / {ge} / 破了一个洞 / 补好了 | 2 一条{colour}的{tiao} / {tiao} / 破了一个洞 / 补好了
    | 3 一把{colour}的{ba} / {ba} / 裂了一道缝 / 粘好了 | 2 一面{colour}的{mian} / {mian} / 裂了一道缝 / 粘好了
colour = 4 红色 | 3 蓝色 | 3 黄色 | 2 绿色 | 2 白色 | 紫色 | 粉色 | 橙色
zhi = 3 风筝 | 布熊 | 手套
ge = 3 皮球 | 2 书包 | 灯笼
tiao = 2 围巾 | 毯子 | 丝带
ba = 2 木剑 | 茶壶 | 提琴
mian = 2 小鼓 | 镜子
bond = 3 走到哪里都带着 | 3 非常喜欢 | 2 是{elder}送的 | 2 是{elder}亲手做的 | 1 每天都擦一擦
elder = 3 奶奶 | 2 爸爸 | 2 妈妈 | 爷爷 | 姑姑 | 舅舅
outing = 5 一个{weather}的{time}，{hero}带着它{place}。 | 3 在一个{weather}的{time}，{hero}拿着它{place}。
    | 2 {hero}带着它{place}，那是一个{weather}的{time}。
weather.sky = 4 晴朗 / 在阳光里 | 3 刮风 / 在风里 | 2 下雨 / 在雨里 | 1 起雾 / 在雾里 | 1 多云 / 在白云下
time.until = 5 早晨 / 到中午 | 4 下午 / 到天黑 | 2 傍晚 / 到睡觉前
place.spot = 3 来到森林 / {forest} | 2 来到河边 / {river} | 2 来到花园 / {garden} | 2 来到集市 / {market}
    | 1 来到湖边 / {lake} | 1 来到农场 / {farm}
forest = 3 树叶下 | 2 橡树后 | 1 树洞里
river = 3 芦苇里 | 2 石缝里 | 1 小桥下
garden = 3 花丛里 | 2 长椅后 | 1 花盆里
market = 3 推车下 | 2 木桶后 | 1 菜篮里
lake = 3 沙滩上 | 2 草丛里 | 1 码头下
farm = 3 稻草里 | 2 水井旁 | 1 谷仓后

plot = 3 {gone}{sad}{helper}在{place.spot}找到了{colour}的{thing.it}。{thanks}，{last}。
    | 3 可是它挂在了{high}。{sad}{helper}{animal.way}，把它拿了下来。{thanks}，{last}。
    | 3 在那里，它{fell}，{thing.flaw}。{sad}{helper}把它{thing.mend}。{thanks}，{last}。
    | 3 在那里，{hero.ta}遇见了{heart}的{animal}{friend}，{friend.ta}{alone}。{offer}{friend}{joy}，{last}。
gone = 3 可是{thing.it}不见了。 | 2 不久，{thing.it}从包里掉了出去。 | 2 后来，{hero.ta}把它弄丢了。
high = 4 高高的树上 | 3 屋顶上 | 2 墙头上 | 1 塔尖上
fell = 3 掉到地上 | 2 撞到石头 | 2 从手里滑落
sad = 4 {hero}哭了起来。 | 3 {hero}很难过。 | 2 {hero}不知道怎么办。 | 1 “糟糕！”{hero}说。
alone = 3 没有玩具 | 2 没有朋友 | 2 孤零零的 | 2 看起来很难过
offer = 4 “我们一起玩{thing.it}吧！”{hero}说。 | 3 {hero}让{friend.ta}拿着{colour}的{thing.it}。
    | 2 {hero}给{friend.ta}看自己的{thing.it}。
joy = 4 笑了 | 3 高兴极了 | 2 乐得跳了起来 | 1 拍起手来
helper = 4 {animal}{friend} | 3 一只名叫{friend}的{animal} | 3 这时，{heart}的{animal}{friend}
friend.ta = {lady} / 她 | {gentleman} / 他
lady = 阿兰 | 阿秀 | 阿玉 | 小红 | 小翠 | 小云 | 玲玲 | 芳芳
gentleman = 大山 | 大海 | 大勇 | 小刚 | 小宝 | 阿贵 | 阿文 | 石头
heart = 4 善良 | 3 热心 | 2 温柔 | 聪慧 | 强壮 | 耐心
animal.way = 3 {bird} / 飞上去 | 2 {climber} / 爬上去
bird = 3 猫头鹰 | 2 乌鸦 | 喜鹊 | 鹦鹉 | 麻雀 | 燕子
climber = 2 山羊 | 2 猴子 | 浣熊 | 熊猫
thanks = 4 “谢谢你，{friend}！”{hero}说 | 3 {hero}送给{friend.ta}{gift} | 2 {hero}抱了抱{friend.ta}
gift = 3 一块饼干 | 2 一个苹果 | 2 一罐蜂蜜 | 一朵花 | 一块蛋糕 | 一首歌
last = 4 两个伙伴{weather.sky}玩{time.until} | 3 从此{hero}和{friend}成了好朋友
    | 2 回家后{hero}给{elder}讲了{heart}的{animal}的故事

hobby = 3 唱歌 | 2 跳舞 | 2 画画 | 读书 | 做饭 | 跑步 | 爬山
walk = 5 一个{weather}的{time}，{hero.ta}{place}，在{place.spot}捡到了{thing}。
    | 3 在一个{weather}的{time}，{hero.ta}{place}，在{place.spot}看见了{thing}。
found = {owner}{return}{reward}，{after}。
owner = 4 它属于{heart}的{animal}{friend}。 | 3 原来是{animal}{friend}丢的。 | 2 {hero.ta}知道，这是{animal}{friend}的。
return = 3 {hero}把它还了回去。 | 2 {hero}马上把它送到{friend.ta}家。 | 2 “这是你的{thing.it}吗？”{hero}问。
reward = 4 “谢谢你，{hero}！”{friend}说 | 3 {friend}送给{hero}{gift} | 2 {friend}{joy}
after = 3 两个伙伴{weather.sky}一起{hobby} | 3 从此{hero}和{friend}常常一起{hobby}
    | 2 大家一起玩{colour}的{thing.it}，玩{time.until}
"""
RULES = {"en": ENGLISH, "zh": CHINESE}


@cache
def _grammars(language: str) -> tuple[Grammar, ...]:
    """The grammars that `language` draws from, each equally often."""
    if language == "both":
        return (*_grammars("en"), *_grammars("zh"))
    if language not in RULES:
        raise Problem(f"there are no stories in {language!r}; choose en, zh or both")
    return (Grammar(RULES[language]),)


def stories(language: str, count: int, seed: int = 0) -> list[str]:
    """So many stories, independent of each other; a larger count only appends. Raises Problem for another language."""
    rng = random.Random(f"stories {language} {seed}")
    return [rng.choice(_grammars(language)).sample(rng) for _ in range(count)]


def entropy_bits(language: str) -> float:
    """Bits per story, exactly: no model can need fewer on average."""
    grammars = _grammars(language)
    return log2(len(grammars)) + sum(grammar.entropy_bits for grammar in grammars) / len(grammars)


def log2_probability(story: str, language: str = "both") -> float | None:
    """log2 of the probability of exactly this text; None if it is no story of the grammar.

    A text with a wrong name, pronoun, colour or kind anywhere has none, so this decides whether a story is coherent.
    """
    grammars = _grammars(language)
    found = [log2_share for grammar in grammars for log2_share in grammar.derivations(story)]
    return found[0] - log2(len(grammars)) if found else None


def floor_bits_per_byte(language: str, texts: Sequence[str]) -> float:
    """The loss that no model can beat on average, in bits a byte of these stories."""
    return entropy_bits(language) * len(texts) / sum(len(text.encode()) for text in texts)
