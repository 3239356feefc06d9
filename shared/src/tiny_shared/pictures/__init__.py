"""Pictures for a README, drawn as SVG by code, so that they are always of today.

    svg       the file itself, and the shapes in it
    terminal  a terminal window with what a command printed
    flow      steps in boxes, two rows of them, with arrows

GitHub shows a picture on white or on near black and doesn't tell it which. So each stands on a card of its own: a
terminal is dark everywhere, a flow's card follows the reader's system.

A track's docs/make_pictures.py has a function `pictures()` that returns each file's name and content, and hands them to
`svg.write`.
"""
