package io.stencil.train.events;

/// Runs between two training steps: validation, then samples. Checkpoints are saved afterwards, so that a state
/// whose step is an action's step was saved after the action, and a resumed run does not repeat it.
///
/// An action runs in all processes of a run and in the training thread. It leaves weights, gradients, the optimizer
/// and the run's generators as they are; the loop itself restores libtorch's CPU generator afterwards. An exception
/// ends the run as one of a step does.
@FunctionalInterface
public interface StepAction {

    /// Runs the action, where it is due.
    ///
    /// @return the same in all processes
    Decision run(Moment moment);

    /// Whether an earlier process has ended the run by this action: no step follows.
    default boolean isOver() {
        return false;
    }

    /// Completes what a stop or a failure has cut short after the step that a resumed run goes on from.
    ///
    /// @return the same in all processes
    default Decision resume(Moment moment) {
        return Decision.NONE;
    }

    /// A moment between two steps.
    ///
    /// @param step steps that are done; 0 before the first step of a run, which a resumed run does not repeat
    /// @param epoch of the last step, from 0
    /// @param last whether no other step follows; not known of a run that a signal stops
    record Moment(long step, int epoch, boolean last) {

        /// Whether an action is due that runs at intervals, before the first step and after the last.
        ///
        /// @param interval in steps
        public boolean isDue(int interval) {
            return last || step % interval == 0;
        }
    }

    /// The consequences of an action.
    ///
    /// @param best whether the present weights are the best so far: they are saved as `best.safetensors`
    /// @param ends whether the run ends after this step, with a checkpoint
    record Decision(boolean best, boolean ends) {

        /// Goes on.
        public static final Decision NONE = new Decision(false, false);
    }
}
