"""What a call that is refused says."""

from collections.abc import Callable

import pytest

from emo_mtl.errors import UserError


def message_of(function: Callable, *args: object, **kwargs: object) -> str:
    """The message with which a `UserError` refuses the call."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    return str(caught.value)
