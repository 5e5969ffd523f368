"""Which names a classification task can have: one rule for preparing, training and reading.

A task's name is a folder of the data, a module of the model (`classification_heads.NAME`) and the start of
what is logged (`NAME_loss`, `NAME_accuracy`, `NAME_f1`). Neither torch nor fairseq is imported here.
"""

import re

RESPONSE = "response"  # the generation task
GOLD, AUTO = "gold", "auto"  # in the place of a wanted emotion: the response's own, a head's choice
LONGEST = 64
# What a `torch.nn.ModuleDict` has already, and refuses as a key (a test compares the list with torch's).
OF_MODULES = re.findall(
    r"\w+",
    """T_destination add_module apply bfloat16 buffers call_super_init children clear compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half
    ipu items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters
    parameters pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train training type update values xpu zero_grad""",
)


def name_fault(name: str) -> str | None:
    """What is wrong with the name of a classification task; None for a good one."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or len(name) > LONGEST:
        return (
            f"which is not made of 1 to {LONGEST} letters (a to z, A to Z), digits, - and _, a letter or a "
            "digit first"
        )
    if name in OF_MODULES:
        return "which torch's modules need for themselves"
    if name == RESPONSE:
        return "which is the generation task"
    if name == "response_nll" or name.startswith("best_"):
        return f"whose loss would be logged as {name}_loss, which has another meaning already"
    return None
