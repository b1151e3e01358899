package io.stencil.train.checkpoint;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.train.data.DatasetRow;
import java.util.List;

/// Describes errors of a run whose numbers are NaN or infinite.
public final class NonFinite {

    private static final String REMEDY =
            "look at %s, or begin a new run with a lower --learning_rate or with --max_grad_norm, from a checkpoint that "
                    + "was saved (--resume_from_checkpoint)";

    private NonFinite() {}

    /// @param step whose loss it is
    /// @param rows of that step
    public static InvalidRequestException loss(double loss, long step, List<DatasetRow> rows) {
        return new InvalidRequestException(
                "learning_rate", "the loss is %s at step %s (%s); ".formatted(loss, step, places(rows)) + remedy(rows));
    }

    /// @param what is not usable, naming the parameter
    /// @param step that was to end with an update
    /// @param rows of all steps of that update
    public static InvalidRequestException gradient(String what, long step, List<DatasetRow> rows) {
        return new InvalidRequestException(
                "learning_rate",
                "%s at step %s (%s), and the update is not made; ".formatted(what, step, places(rows)) + remedy(rows));
    }

    /// @param what is not finite, naming the parameter
    /// @param step after which it was to be saved
    /// @param savedStep of the newest state; 0 without one
    public static InvalidRequestException state(String what, long step, long savedStep) {
        return new InvalidRequestException(
                "learning_rate",
                "%s not finite (NaN or infinity) after step %s and is not saved; %s"
                                .formatted(
                                        what,
                                        step,
                                        savedStep == 0
                                                ? ""
                                                : "the newest state is that of step %s; ".formatted(savedStep))
                        + REMEDY.formatted("what the Template computes"));
    }

    private static String places(List<DatasetRow> rows) {
        return (rows.size() == 1 ? "row " : "rows ")
                + NameList.of(
                        rows.stream().map(row -> row.location().toString()).toList());
    }

    private static String remedy(List<DatasetRow> rows) {
        return REMEDY.formatted(
                rows.size() == 1
                        ? "that row and at what the Template makes of it"
                        : "these rows and at what the Template makes of them");
    }
}
