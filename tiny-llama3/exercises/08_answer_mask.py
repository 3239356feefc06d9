"""Chapter 9: which tokens are learnt? Targets for a row that holds several conversations.

A row holds conversations one after the other. At each position the model predicts the next token of the same
conversation. Return its id as the target where the assistant wrote it, and -100 everywhere else: where the user wrote
it, at the last token of a conversation (what comes next in the row is somebody else's), and in the padding behind.

Two conversations, (id, learnt) for each token, in a row of 8:

    (1, no) (5, no) (7, yes) (2, yes)    (1, no) (6, no) (2, yes)    padding
    targets: -100 7 2 -100               -100 2 -100                 -100

The first position predicts 5, which the user wrote: -100. The second predicts 7, the third 2.

一行里依次放着几段对话。每个位置预测同一段对话的下一个词元：是助手写的，目标就是它；其余都是 -100。
每段的最后一个词元不预测任何东西，行里的下一个词元是别人的；后面的填充也没有目标。
"""


def targets(conversations: list[list[tuple[int, bool]]], length: int) -> list[int]:
    """The targets of a row of `length` positions, which is long enough."""
    raise NotImplementedError("your turn")
