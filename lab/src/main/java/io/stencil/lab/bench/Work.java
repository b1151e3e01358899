package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/// What can be measured.
public enum Work {
    TRAINING("training", "a training step of a value Template"),
    TRAINING_CHECKPOINTED("training-checkpointed", "the same with gradient checkpointing"),
    DENOISING("denoising", "one denoising pass with keys and values of a Template"),
    VAE("vae", "encoding and decoding of a picture"),
    TEXT("text", "encoding of a prompt");

    private final String label;
    private final String title;

    Work(String label, String title) {
        this.label = label;
        this.title = title;
    }

    /// Its name in options and in JSON.
    public String label() {
        return label;
    }

    /// What it is, for people.
    public String title() {
        return title;
    }

    /// Works by their names, in the order of this enum; none means all.
    ///
    /// @throws InvalidRequestException for a name that is none
    public static List<Work> named(Collection<String> names) {
        List<String> known = Stream.of(values()).map(Work::label).toList();
        for (String name : names) {
            if (!known.contains(name)) {
                throw new InvalidRequestException(
                        "works", "'%s' is not known; expected %s".formatted(name, NameList.of(known)));
            }
        }
        return Stream.of(values())
                .filter(work -> names.isEmpty() || names.contains(work.label))
                .toList();
    }

    OpenWork open(BenchModels models) {
        return switch (this) {
            case TRAINING -> new TrainingWork(models, false);
            case TRAINING_CHECKPOINTED -> new TrainingWork(models, true);
            case DENOISING -> new DenoisingWork(models);
            case VAE -> new VaeWork(models);
            case TEXT -> new TextWork(models);
        };
    }
}
