/// From a prompt to the embeddings that the transformer reads: tokenizer, Qwen3 encoder, and their composition.
///
/// [io.stencil.flux2.text.TextEncoder] is the entry:
/// ```java
/// var encoder = new Qwen3Encoder(Qwen3Config.read(folder.resolve("text_encoder/config.json")));
/// new WeightLoader(DType.BFLOAT16, Device.CPU)
///         .load(encoder, Checkpoint.open(folder.resolve("text_encoder")), Qwen3Encoder.IGNORED_TENSORS);
/// try (Scope _ = new Scope();
///         TextEncoder text = new TextEncoder(
///                 PromptTokenizer.open(folder.resolve("tokenizer")), encoder, PromptEncoding.KLEIN, DType.FLOAT32)) {
///     Tensor promptEmbeds = text.encode("a cat"); // [1, 512, 3 * hiddenSize]
/// }
/// ```
@NullMarked
package io.stencil.flux2.text;

import org.jspecify.annotations.NullMarked;
