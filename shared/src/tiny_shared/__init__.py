"""The plumbing that the tracks share. The lessons live in the tracks; nothing here teaches a model.

    async_endpoint  the same server, asked many things at once
    benchmarks    ours and a peer in turn; RESULTS.md, and `python -m benchmarks` of a track
    chat          ask any OpenAI-compatible server: replies, streams, embeddings (endpoint.py carries its requests)
    cli           one habit for every main.py: error lines, exit codes, --debug, --json
    download      fetch a file so that it resumes, verifies and says its licence
    exercises     grades the answers in a track's exercises/
    files         atomic writes, JSONL, confined paths, checksums
    network       how long to wait before asking a server again
    pictures      a README's pictures as SVG: a terminal, or steps and arrows
    reading_path  brings the table of files and lines in the READMEs up to date
    testing       a local OpenAI-compatible server that can misbehave on demand; what every track's tests hold
    tutorials     Markdown whose code runs in the tests (fences.py reads it, notebook.py converts it)

Importing the package costs nothing: requests, tqdm, openai and torch are imported by the functions that use them.
"""


class UserError(Exception):
    """Something that whoever typed the command can put right: `what is wrong; what to do next`, on one line.

    `cli.run` prints it as `error: ...` and exits with 2. The errors of the other modules here derive from it.
    """
