"""The one exception that means "your input, not our code"."""


class UserError(SystemExit):
    """Raised for input that cannot be used: a file, a flag, a missing optional package.

    The message names the file and the line where there is one, what was found, what was expected
    and how to fix it. As a `SystemExit` it ends any command, fairseq's own included, with this
    message alone and status 1: no traceback, and fairseq does not replace it with "please ensure
    that the architectures match" while it loads a checkpoint.
    """

    def __init__(self, message: str):
        super().__init__(f"emo_mtl: error: {message}")
