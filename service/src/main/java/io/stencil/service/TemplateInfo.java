package io.stencil.service;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/// A Template that requests may name.
///
/// @param name for [ImageRequest.TemplateUse]
/// @param inputSchema JSON Schema (draft 2020-12) of its inputs, made from the record that the Template declares: names
///     and types of the fields, the range of a number where the author declares one, which fields are required. An
///     image is a string of base64 there, with `x-stencil-type` `image` or `mask`, and an
///     [io.stencil.image.RgbImage] in a request
/// @param hash [fingerprint][io.stencil.files.Fingerprint] of its code and weights; null where it is not in a folder
/// @param readme the `README.md` of its folder when the service was opened, in Markdown: what the author says of it,
///     examples and its measured effect among that; null where there is none
public record TemplateInfo(
        String name,
        ObjectNode inputSchema,
        @Nullable String hash,
        @Nullable String readme) {

    public TemplateInfo {
        inputSchema = inputSchema.deepCopy();
    }

    /// Returns a copy, which the caller may change.
    @Override
    public ObjectNode inputSchema() {
        return inputSchema.deepCopy();
    }
}
