package io.stencil.train.options;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Declares a record component as a training option. The command line, its help, configuration files,
/// `training_args.json`, the check on `--resume` and the table in the documentation follow from the declaration.
///
/// The component's type decides how values are read: a number, `boolean`, `String`, `Path`, a list of names, or one of
/// the enums of [DeclaredOption].
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface TrainingOption {

    /// Name without dashes, such as `kl_weight`.
    String name();

    /// Label of the value in the help.
    String label() default "N";

    /// Effect, for the help of the command line.
    String help() default "";

    /// Effect, as Markdown for the documentation; the help's text where it is empty.
    String docs() default "";

    /// Value of an option that is not given, as text on the command line; empty for none.
    String byDefault() default "";

    /// Effect of an option without a value that is not given, such as "all".
    String unset() default "";

    /// Whether the help leaves it out.
    boolean hidden() default false;

    /// Whether the value is an amount of memory in bytes, which may be written as `4GB`.
    boolean bytes() default false;

    /// Whether the value may name files at a hub, which are fetched before the run.
    boolean hub() default false;

    /// Tasks that use the option; others do not record it.
    Task[] tasks() default {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN, Task.VAE};

    /// Whether a resumed run may change the option.
    OnResume onResume() default OnResume.SAME;

    /// Whether a resumed run may change an option.
    enum OnResume {
        /// The losses depend on it: a resumed run must keep it.
        SAME,
        /// Output, logs, memory and threads: a resumed run may change it.
        FREE,
        /// Length of the run: a resumed run may change it unless the learning rate depends on it.
        LENGTH
    }
}
