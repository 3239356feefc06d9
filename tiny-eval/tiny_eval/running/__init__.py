"""A task, a model, a folder: questions are asked, answers kept, predictions written.

In the order in which a question travels: task, items, prompt, plan (question), server or baselines or function,
runner (journal), run; then results. `preflight` looks before anything is sent.
"""
