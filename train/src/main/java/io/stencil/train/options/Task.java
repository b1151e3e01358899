package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import java.util.Arrays;

/// What a training run does.
public enum Task {
    /// Encodes and trains in one go.
    SFT("sft"),
    /// Encodes a dataset into a cache.
    SFT_DATA_PROCESS("sft:data_process"),
    /// Trains from such a cache.
    SFT_TRAIN("sft:train"),
    /// Trains the VAE to encode and decode pictures.
    VAE("vae");

    private final String option;

    Task(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// @throws InvalidRequestException for a name that is no task
    public static Task parse(String text) {
        for (Task task : values()) {
            if (task.option.equals(text)) {
                return task;
            }
        }
        throw new InvalidRequestException(
                "task",
                "expected one of %s, found '%s'"
                        .formatted(
                                NameList.of(Arrays.stream(values())
                                        .map(Task::option)
                                        .toList()),
                                text));
    }
}
