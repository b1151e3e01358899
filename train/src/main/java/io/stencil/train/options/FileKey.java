package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/// Columns of a dataset's row that hold files. Those of a run are opened, and no others.
public enum FileKey {
    IMAGE("image"),
    EDIT_IMAGE("edit_image"),
    /// Known so that lists written for other trainers can stay; rows that have one are refused.
    VIDEO("video");

    private final String key;

    FileKey(String key) {
        this.key = key;
    }

    /// The key of a dataset's row.
    public String key() {
        return key;
    }

    /// What a run opens that does not say it: the picture, and what else goes in.
    public static Set<FileKey> neededBy(Set<ExtraInput> extraInputs) {
        return extraInputs.contains(ExtraInput.EDIT_IMAGE) ? EnumSet.of(IMAGE, EDIT_IMAGE) : EnumSet.of(IMAGE);
    }

    /// @throws InvalidRequestException for a name that is not known
    public static Set<FileKey> parse(Collection<String> names) {
        EnumSet<FileKey> keys = EnumSet.noneOf(FileKey.class);
        names.forEach(name -> keys.add(one(name.strip())));
        return keys;
    }

    private static FileKey one(String name) {
        for (FileKey key : values()) {
            if (key.key.equals(name)) {
                return key;
            }
        }
        if (name.equals("template_inputs") || name.startsWith("template_inputs.")) {
            throw new InvalidRequestException(
                    "data_file_keys",
                    "'%s' needs no mention: a Template reads the files in its inputs itself; leave it out"
                            .formatted(name));
        }
        throw new InvalidRequestException(
                "data_file_keys", "knows image, edit_image and video, found '%s'".formatted(name));
    }
}
