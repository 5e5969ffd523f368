"""What guards a training, and where in fairseq each guard sits.

fairseq has no callbacks: a guard goes into the hook of the task that is called at its time.

`build_model`, with all flags parsed and before fairseq loads a checkpoint
    flags that do not work here are refused (`tasks.flags.check_training`);
    a damaged `checkpoint_last.pt` is passed over for the newest whole one (`start.choose_start`);
    parameters of another model are refused (`restore.check_start`);
    a decay that goes on from a checkpoint has the end that it had (`optim.horizon.keep_horizon`);
    texts fit the model's positions, known once it is built (`checks.fit_lengths`)
`build_criterion`, which generation does not call
    a launcher that fairseq ignores is refused (`checks.check_launcher`);
    of weights that clipping undoes it is warned (`checks.warn_of_clipping`)
`get_batch_iterator`, where the number of batches is known, before the first step of the learning rate
    a position in the data that is not there is refused (`position.check_room`);
    the decay of the learning rate ends with the training (`optim.horizon.set_horizon`)
`filter_indices_by_size`, which fairseq asks for the batches, of generation too
    a task of which every example is too long is refused (`data.splits.check_kept`)
`begin_epoch`, called in training only
    the save folder is a whole model (`inference.model_files.leave_model`);
    signals are listened to (`preemption.Preemption.listen`)
`train_step` and `reduce_metrics`, whose numbers fairseq adds up over ranks
    all ranks save and end after the same update (`preemption.Preemption.stop`)
`train_step`, which fairseq runs once more to look for a gradient that is not finite
    it ends with the reason (`checks.check_gradient`)
`optimizer_step`, between gradients and step
    heads without a task in an update are stepped as in every other mode (`models.heads.zero_unused`)
the criterion's `forward`, before losses are added up
    a loss that is not finite is refused with its task (`criterions.multitask_nll`)
"""

import fairseq  # noqa: F401  (before any module here: it registers them all, see emo_mtl/registration.py)
